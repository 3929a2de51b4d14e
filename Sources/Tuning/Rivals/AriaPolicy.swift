/// aria2's `--optimize-concurrent-downloads`: `N = 5 + 25 log10(Mbit/s)`, from its manual.
public struct AriaPolicy: Policy {
  private let maximum: Int
  private var probe = Probe(seconds: 1)
  private var poolSize = 5

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  public init(maximum: Int) { self.maximum = maximum }

  /// The name in reports.
  public var name: String { "aria2" }

  /// The pool size to open with.
  public mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  public mutating func observe(_ sample: Sample) -> PoolDecision {
    if let rate = probe.observe(sample) {
      let megabits = max(1, rate * 8 / 1e6)
      poolSize = min(maximum, max(1, whole((5 + 25 * log10(megabits)).rounded(.down))))
    }
    return decision
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "5 + 25 log10(Mbit/s)")
  }
}
