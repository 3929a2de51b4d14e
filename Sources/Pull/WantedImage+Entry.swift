import OCI
import Store

extension WantedImage {
  /// What the store's index says of the image.
  ///
  /// - Parameters:
  ///   - root: what stands for it in the store: itself, or its twin.
  ///   - store: has its blobs.
  ///   - time: of the pull, in seconds since 1970.
  func entry(for root: Descriptor, in store: ContentStore, at time: Double) -> Descriptor {
    var entry = root
    var notes = entry.annotations ?? [:]
    notes[LayoutIndex.pulledKey] = Int64(exactly: time.rounded(.down)).map { "\($0)" }
    if source.digest != root.digest {
      notes[LayoutIndex.sourceKey] = source.digest.description
    }
    if platformDigest != nil { notes[LayoutIndex.indexKey] = self.root.digest.description }
    entry.annotations = notes
    // No index says what an image of its own is for.
    if entry.platform == nil, !entry.mediaType.isIndex, let manifest = manifests.first?.manifest {
      entry.platform = store.document(manifest.config.digest).flatMap {
        ImageConfig(json: $0)?.platform
      }
    }
    return entry
  }
}
