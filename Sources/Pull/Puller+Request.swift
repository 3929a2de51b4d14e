package import Downloads
package import OCI
package import Scheduling
package import Store
package import Tuning

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
    /// Decides the pool size.
    package var policy: any Policy
    /// The image's name in the store, where it is another than the reference's.
    package var storeName: String?
    /// The host that served the registry's blobs the last time; nil: not known.
    package var blobHost: String?
    /// What bounds the scheduler's choices.
    package var settings = SchedulerSettings()
    /// Told what the downloads were like when they have ended, well or not; not called where there
    /// were none.
    package var report: @Sendable (PullReport) -> Void = { _ in }
    /// Told every sample and decision, as they come.
    package var trace: (@Sendable (TraceStep) -> Void)?

    /// Makes a request.
    package init(
      reference: Reference, platforms: ImageResolver.PlatformChoice, policy: any Policy
    ) {
      self.reference = reference
      self.platforms = platforms
      self.policy = policy
    }
  }
}
