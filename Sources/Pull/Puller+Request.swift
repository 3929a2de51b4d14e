package import OCI
package import Store

extension Puller {
  /// What is to be pulled, and where to.
  package struct Request: Sendable {
    /// The image.
    package var reference: Reference
    /// Which of an index's images.
    package var platforms: ImageResolver.PlatformChoice
    /// Where it is written beside the store.
    package var outputs: [OutputTarget] = []
    /// Whether outputs that exist are replaced.
    package var overwrites = false
    /// Whether large blobs of outputs may be hard links to the store's.
    package var linksOutputs = false
    /// The image's name in the store, where it is another than the reference's.
    package var storeName: String?
    /// The host that served the registry's blobs the last time; nil: not known.
    package var blobHost: String?

    /// Makes a request.
    package init(reference: Reference, platforms: ImageResolver.PlatformChoice) {
      self.reference = reference
      self.platforms = platforms
    }
  }
}
