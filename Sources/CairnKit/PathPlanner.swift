package import Downloads
import Pull
import Scheduling
package import Tuning

/// Plans how the downloads over one registry's paths are run.
package struct PathPlanner: Sendable {
  /// How a pool's size is decided.
  package enum Choice: Sendable {
    /// By the user.
    case fixed(FixedPolicy)
    /// By a policy, which may know what earlier pulls taught.
    case chosen(PolicyName, PolicyName.Context)
  }

  let choice: Choice
  let settings: SchedulerSettings
  let trace: (@Sendable (TraceStep) -> Void)?

  /// Makes a planner.
  ///
  /// - Parameters:
  ///   - options: what their user wants.
  ///   - most: the most workers that there is room for.
  ///   - prior: what earlier pulls taught; nil: nothing.
  package init(_ options: PullOptions, most: Int, prior: Prior?) {
    switch options.workers {
    case .fixed(let count): choice = .fixed(FixedPolicy(poolSize: min(count, most)))
    case .automatic(let maximum):
      choice = .chosen(
        options.policy,
        PolicyName.Context(
          cpus: Machine.effectiveCPUs, maximum: min(maximum, most), prior: prior))
    }
    settings = options.registry.schedulerSettings
    trace = options.trace
  }

  /// The plan of a path.
  ///
  /// - Parameter known: what the last downloads of this run over it were like, where there were any.
  package func plan(_ known: PullRecord?) -> PathPlan {
    var plan = PathPlan(policy: policy(known), settings: settings)
    plan.trace = trace
    return plan
  }

  private func policy(_ known: PullRecord?) -> any Policy {
    switch choice {
    case .fixed(let policy): return policy
    case .chosen(let name, var context):
      if let known {
        var memory = PathMemory()
        memory.learn(known, at: 0)
        context.prior = memory.prior(at: 0) ?? context.prior
      }
      return name.make(context)
    }
  }
}
