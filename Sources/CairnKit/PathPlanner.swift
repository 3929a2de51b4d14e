package import Downloads
import Pull
import Scheduling
package import Tuning

/// Plans how the downloads over one registry's paths are run.
package struct PathPlanner: Sendable {
  /// How a pool's size is decided.
  package enum Choice: Sendable {
    /// By the user; and what earlier pulls taught.
    case fixed(FixedPolicy, Prior?)
    /// By a policy, which may know what earlier pulls taught.
    case chosen(PolicyMaker, maximum: Int, Prior?)
  }

  let choice: Choice
  let settings: SchedulerSettings
  let limits: PullLimits
  let trace: (@Sendable (TraceStep) -> Void)?

  /// Makes a planner.
  ///
  /// - Parameters:
  ///   - options: what their user wants.
  ///   - most: the most workers that there is room for.
  ///   - prior: what earlier pulls taught; nil: nothing.
  package init(_ options: PullOptions, most: Int, prior: Prior?) {
    var limits = PullLimits(bytesPerSecond: options.bytesPerSecond)
    switch options.workers {
    case .fixed(let count):
      limits.workers = min(count, most)
      limits.origin = most < count ? .openFiles : .fixed
      choice = .fixed(FixedPolicy(poolSize: limits.workers), prior)
    case .automatic(let maximum):
      limits.workers = min(maximum, most)
      limits.origin = Self.origin(ofMost: maximum, room: most)
      choice = .chosen(options.policy, maximum: limits.workers, prior)
    }
    self.limits = limits
    settings = options.registry.schedulerSettings
    trace = options.trace
  }

  /// Who says how many workers there may be at most.
  private static func origin(ofMost maximum: Int, room: Int) -> PullLimits.Origin {
    guard room >= maximum else { return .openFiles }
    return maximum == PullLimits().workers ? .standard : .user
  }

  /// The plan of a path.
  ///
  /// - Parameter known: what the last downloads of this run over it were like, where there were any.
  package func plan(_ known: PullRecord?) -> PathPlan {
    var plan: PathPlan
    switch choice {
    case .fixed(let policy, let prior):
      plan = PathPlan(policy: policy, settings: settings, limits: limits)
      plan.prior = prior
    case .chosen(let make, let maximum, var prior):
      if let known {
        var memory = PathMemory()
        memory.learn(known, at: 0)
        prior = memory.prior(at: 0) ?? prior
      }
      plan = PathPlan(policy: make(maximum, prior), settings: settings, limits: limits)
      plan.prior = prior
    }
    plan.trace = trace
    return plan
  }
}
