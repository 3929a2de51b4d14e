/// A pool size that never changes: one that a person gave, or another tool's constant.
package struct FixedPolicy: Policy {
  private let decision: PoolDecision

  /// Makes the policy.
  ///
  /// - Parameters:
  ///   - poolSize: the number of workers, at least 1.
  ///   - reason: where the number comes from.
  package init(poolSize: Int, reason: String = "given by --workers") {
    decision = PoolDecision(poolSize: poolSize, reason: reason)
  }

  /// `fixed` and the number.
  package var name: String { "fixed \(decision.poolSize)" }

  /// The given size.
  package mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// The given size, whatever happened.
  package mutating func observe(_ sample: Sample) -> PoolDecision { decision }
}
