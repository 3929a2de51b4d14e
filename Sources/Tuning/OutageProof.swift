/// A policy that decides nothing while nothing comes, and is not misled by it.
package struct OutageProof: Policy {
  private struct State {
    var policy: any Policy
    var decision: PoolDecision
  }

  private let base: any Policy
  private var watched: Outages<State>?

  /// The name in reports: the policy's own.
  package var name: String { base.name }

  /// Makes one.
  ///
  /// - Parameter policy: what decides.
  package init(_ policy: any Policy) { base = policy }

  /// The pool size to open with.
  package mutating func start(_ opening: Opening) -> PoolDecision {
    var policy = base
    let decision = policy.start(opening)
    watched = Outages(State(policy: policy, decision: decision), from: opening.now)
    return decision
  }

  /// Takes a sample and decides again.
  package mutating func observe(_ sample: Sample) -> PoolDecision {
    if watched == nil { _ = start(Opening(now: sample.now)) }
    watched?.observe(sample) { $0.decision = $0.policy.observe($1) }
    var decision = watched?.observer.decision ?? PoolDecision(poolSize: 1, reason: "")
    if watched?.isOut ?? false { decision.reason = Self.waiting }
    return decision
  }

  private static let waiting = "nothing comes over any connection: waiting with as many"
}
