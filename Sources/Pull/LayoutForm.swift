import FoundationEssentials
import OCI
import Store

/// Puts an image whose blobs are in the store into the form that an OCI image layout can name.
///
/// Documents stay as they were served; where they are not in words that every reader of layouts knows, twins
/// are made beside them that are (`OCIForm`). What would be too large to be read again stays without one.
struct LayoutForm {
  private let store: ContentStore
  /// Whether twins are kept; else they are only foreseen, by what is in the store so far.
  private let saves: Bool
  /// What stands for each document: itself, or its twin.
  private var forms: [Digest: Descriptor] = [:]
  /// What could not be put in those words, in words for people.
  private(set) var notes: [String] = []

  init(store: ContentStore, saves: Bool = true) {
    self.store = store
    self.saves = saves
  }

  /// The image as the store's index names it.
  ///
  /// - Parameters:
  ///   - wanted: what was pulled; all of it is in the store, where twins are kept.
  ///   - reference: what it was pulled as.
  /// - Throws: `StoreError`.
  mutating func image(_ wanted: WantedImage, reference: Reference) throws(StoreError) -> StoredImage
  {
    // Children come after their parents, and are translated before them.
    for document in wanted.documents.reversed() { try translate(document) }
    // Docker's own words are known to whoever reads a single manifest.
    let dockers = Set(
      wanted.documents.filter { document in
        if case .manifest(let manifest) = document.content {
          OCIForm.isDockers(document.data, manifest)
        } else {
          false
        }
      }.map(\.descriptor.digest))
    return StoredImage(
      root: form(of: wanted.source), source: wanted.source,
      manifests: wanted.manifests.map { descriptor, manifest in
        (dockers.contains(descriptor.digest) ? descriptor : form(of: descriptor), manifest)
      },
      documents: wanted.documents.reversed().map { form(of: $0.descriptor) }, reference: reference)
  }

  private func form(of descriptor: Descriptor) -> Descriptor {
    forms[descriptor.digest] ?? descriptor
  }

  private mutating func translate(_ document: ImageResolver.Document) throws(StoreError) {
    let twin: Data?
    switch document.content {
    case .manifest(let manifest):
      let store = store
      let configuration = store.document(manifest.config.digest).flatMap { ImageConfig(json: $0) }
      twin = OCIForm.manifest(
        document.data, manifest, isImage: manifest.isImage(configuration)
      ) { store.content(ofLayer: $0.digest) }
    case .index:
      twin = OCIForm.index(document.data, forms)
    }
    var form = document.descriptor
    if let twin, twin.count > ContentStore.documentLimit {
      // Nobody reads such a document, also not to see which blobs it needs.
      forms[form.digest] = form
      notes.append(
        "\(form.digest.short) is kept as it was served, which not every tool reads: in OCI's words it would "
          + "have more than \(ByteCount.text(ContentStore.documentLimit))")
      return
    }
    form.mediaType = form.mediaType.ociForm
    if let twin {
      form.digest = try FileHash.digest(twin, .sha256)
      form.size = Int64(twin.count)
      if saves { try store.put(twin, as: form.digest) }
    }
    forms[document.descriptor.digest] = form
  }
}
