import Downloads
import Scheduling
import Tuning

/// Plans how the downloads over one registry's paths are run.
struct PathPlanner: Sendable {
  /// How a pool's size is decided.
  enum Choice: Sendable {
    /// By the user.
    case fixed(FixedPolicy)
    /// By a policy, which may know what earlier pulls taught.
    case chosen(PolicyName, PolicyName.Context)
  }

  let choice: Choice
  let settings: SchedulerSettings
  let trace: TraceFile?

  /// The plan of a path.
  ///
  /// - Parameter known: what the last downloads of this run over it were like, where there were any.
  func plan(_ known: PullRecord?) -> PathPlan {
    var plan = PathPlan(policy: policy(known), settings: settings)
    if let trace { plan.trace = { trace.write($0) } }
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
