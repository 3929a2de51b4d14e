/// Additive increase, multiplicative decrease: one more worker a second, half of them after a refusal.
public struct AIMDPolicy: Policy {
  private let maximum: Int
  private var poolSize = 4
  private var raisedAt = Moment.zero

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  public init(maximum: Int) { self.maximum = maximum }

  /// The name in reports.
  public var name: String { "aimd" }

  /// The pool size to open with.
  public mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  public mutating func observe(_ sample: Sample) -> PoolDecision {
    if !sample.refusals.isEmpty {
      poolSize = max(1, poolSize / 2)
      raisedAt = sample.now
    } else if sample.now - raisedAt >= 1 {
      poolSize = min(maximum, poolSize + 1)
      raisedAt = sample.now
    }
    return decision
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "+1 a second, half after a refusal")
  }
}
