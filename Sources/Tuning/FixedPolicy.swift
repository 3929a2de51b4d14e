/// A pool size that never changes: one that a person gave, or another tool's constant.
public struct FixedPolicy: Policy {
  private let decision: PoolDecision

  /// Makes the policy.
  ///
  /// - Parameters:
  ///   - poolSize: the number of workers, at least 1.
  ///   - reason: where the number comes from.
  public init(poolSize: Int, reason: String = "given by --workers") {
    decision = PoolDecision(poolSize: poolSize, reason: reason)
  }

  /// `fixed` and the number.
  public var name: String { "fixed \(decision.poolSize)" }

  /// The given size.
  public mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// The given size, whatever happened.
  public mutating func observe(_ sample: Sample) -> PoolDecision { decision }
}
