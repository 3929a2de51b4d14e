import FoundationEssentials
import OCI

/// What the entries of a store's index need.
extension StoreMaintenance {
  /// Every entry of the index, also those of which only the digest can be read: their content stays.
  func roots() throws(StoreError) -> [Descriptor] {
    try store.index().entries.compactMap { entry in
      if let descriptor = entry.descriptor { return descriptor }
      guard let digest = entry.digest, let size = Files.size(store.path(of: digest)) else {
        return nil
      }
      return Descriptor(mediaType: MediaType(rawValue: ""), digest: digest, size: size)
    }
  }

  /// What an entry of the index needs.
  struct Reach {
    /// Documents and blobs, with their sizes in bytes.
    var sizes: [Digest: Int64] = [:]
    /// False where one of them is missing.
    var isComplete = true
    /// False where a document cannot be read, so that what it needs is not known.
    var isKnown = true
  }

  /// Every digest that an entry needs, with its size.
  func reachable(from entry: Descriptor) -> Reach {
    var reach = Reach()
    var waiting = [entry]
    /// What indexes name; a manifest's configuration and layers may have the same types.
    var documents: Set<Digest> = []
    while let next = waiting.popLast(), reach.sizes.count < 1_000_000 {
      guard reach.sizes.updateValue(next.size, forKey: next.digest) == nil else { continue }
      let isDocument = next.mediaType.isIndex || next.mediaType.isManifest
      // Other tools may name entries without a type.
      guard isDocument || next.digest == entry.digest || documents.contains(next.digest) else {
        if !store.contains(next) { reach.isComplete = false }
        continue
      }
      guard let data = store.document(next.digest),
        let document = try? ImageDocument.parse(
          data, contentType: isDocument ? next.mediaType : nil)
      else {
        // Of an entry that may be anything, and was no manifest.
        if !isDocument, next.digest != entry.digest { continue }
        reach.isComplete = false
        reach.isKnown = false
        continue
      }
      switch document {
      // A pull passes over the others.
      case .index(let index):
        let named = index.manifests.filter {
          $0.mediaType.isIndex || $0.mediaType.isManifest
            || $0.mediaType.isUnspecific && Files.info(store.path(of: $0.digest)) != nil
        }
        documents.formUnion(named.map(\.digest))
        waiting += named
      case .manifest(let manifest): waiting += manifest.blobs
      }
    }
    // Documents as they were served stay, so that an unchanged tag costs one request.
    for key in [LayoutIndex.indexKey, LayoutIndex.sourceKey] {
      guard let digest = entry.annotations?[key].flatMap({ try? Digest($0) }) else { continue }
      var served = [digest]
      if key == LayoutIndex.sourceKey, let data = store.document(digest),
        case .index(let index) = try? ImageDocument.parse(data, contentType: nil)
      {
        served += index.manifests.map(\.digest)
      }
      for digest in served {
        if let size = Files.size(store.path(of: digest)) { reach.sizes[digest] = size }
      }
    }
    return reach
  }
}
