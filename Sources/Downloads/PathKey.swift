package import Registry
package import Scheduling
package import Tuning

/// Tells one path from another: the registry, and who answers for it here.
///
/// The host that serves its blobs after redirects is found out by fetching; it stands in the report.
package struct PathKey: Hashable, Sendable {
  /// The registry that is pulled from.
  package let registry: String
  /// Its mirrors, in order, and itself.
  package let servers: [String]

  /// That of a repository.
  ///
  /// - Parameter source: of its blobs.
  package init(_ source: BlobSource) {
    registry = source.registry
    servers = source.servers
  }
}

/// How a path's downloads are to be run.
package struct PathPlan: Sendable {
  /// Decides the pool size.
  package var policy: any Policy
  /// What bounds the scheduler's choices.
  package var settings: SchedulerSettings
  /// What they may not exceed: their verdict names it where it was reached.
  package var limits: PullLimits
  /// What earlier pulls over the path taught, for the verdict.
  package var prior: Prior?
  /// Told every sample and decision, as they come.
  package var trace: (@Sendable (TraceStep) -> Void)?

  /// Makes a plan.
  ///
  /// - Parameters:
  ///   - policy: decides the pool size.
  ///   - settings: what bounds the scheduler's choices.
  ///   - limits: what the downloads may not exceed, as policy and engine keep to it.
  ///   - trace: told every sample and decision.
  package init(
    policy: any Policy, settings: SchedulerSettings = .init(),
    limits: PullLimits = .init(), trace: (@Sendable (TraceStep) -> Void)? = nil
  ) {
    self.policy = policy
    self.settings = settings
    self.limits = limits
    self.trace = trace
  }
}
