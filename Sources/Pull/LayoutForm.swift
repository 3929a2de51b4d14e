import FoundationEssentials
import OCI
import Store

/// Puts a resolved image into the form that an OCI image layout can name.
///
/// Documents stay as they were served; where they are Docker's, OCI twins are made beside them.
struct LayoutForm {
  private let store: ContentStore
  private var twins: [Digest: Descriptor] = [:]
  private var documents: [Descriptor] = []

  init(store: ContentStore) { self.store = store }

  /// The image as the store's index names it.
  ///
  /// - Parameters:
  ///   - resolution: what the registry serves.
  ///   - takesAll: whether all of an index was pulled, not one of its images.
  ///   - reference: what it was pulled as.
  /// - Throws: `StoreError`.
  mutating func image(
    _ resolution: ImageResolver.Resolution, takesAll: Bool, reference: Reference
  ) throws(StoreError) -> StoredImage {
    let manifests = resolution.manifests.compactMap { document in
      if case .manifest(let manifest) = document.content {
        (document.descriptor, manifest)
      } else {
        nil
      }
    }
    let isWhole = takesAll || manifests.count != 1
    let served = isWhole ? resolution.documents : resolution.manifests
    // Children come after their parents, and are translated before them.
    for document in served.reversed() { try translate(document) }
    let source = isWhole ? resolution.root.descriptor : resolution.manifests[0].descriptor
    return StoredImage(
      root: twins[source.digest] ?? source, source: source, manifests: manifests,
      documents: documents, reference: reference)
  }

  private mutating func translate(_ document: ImageResolver.Document) throws(StoreError) {
    let data: Data?
    switch document.content {
    case .manifest(let manifest): data = manifest.ociForm
    case .index(let index): data = index.ociForm(twins)
    }
    guard let data else {
      documents.append(document.descriptor)
      return
    }
    var twin = document.descriptor
    twin.mediaType = twin.mediaType.ociForm
    twin.digest = try FileHash.digest(data, .sha256)
    twin.size = Int64(data.count)
    try store.put(data, as: twin.digest)
    twins[document.descriptor.digest] = twin
    documents.append(twin)
  }
}
