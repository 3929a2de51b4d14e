import OCI
import Store

/// What of a resolved reference goes into the store: one image of an index, or all of it.
struct WantedImage {
  /// What the reference names.
  let root: Descriptor
  /// What of it is pulled, as the registry serves it: the image's manifest, or the index.
  let source: Descriptor
  /// Every document that is wanted, parents first.
  let documents: [ImageResolver.Document]
  /// The manifests among them.
  let manifests: [(descriptor: Descriptor, manifest: Manifest)]

  /// Chooses.
  ///
  /// - Parameters:
  ///   - resolution: what the registry serves.
  ///   - takesAll: whether all of an index is wanted.
  init(_ resolution: ImageResolver.Resolution, takesAll: Bool) {
    manifests = resolution.manifests.compactMap { document in
      if case .manifest(let manifest) = document.content {
        (document.descriptor, manifest)
      } else {
        nil
      }
    }
    root = resolution.root.descriptor
    let isWhole = takesAll || manifests.count != 1
    documents = isWhole ? resolution.documents : resolution.manifests
    source = isWhole ? resolution.root.descriptor : resolution.manifests[0].descriptor
  }

  /// The digest of the one image of an index that is wanted; nil where all of what the reference names is.
  var platformDigest: Digest? { source.digest == root.digest ? nil : source.digest }
}
