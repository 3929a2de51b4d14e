/// In the style of PCC Vivace (NSDI'18): paired trials above and below, then a step along the gradient.
///
/// Four trials of a second: up, down, down, up, so that drift cancels. `U = T^0.9 - 0.01 x n x T^0.9`.
public struct VivacePolicy: Policy {
  private let maximum: Int
  private var probe = Probe(seconds: 1)
  private var base = 4.0
  private var trial = 0
  private var utilities: [Double] = []
  private var confidence = 1.0
  private var lastSign = 0.0

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  public init(maximum: Int) { self.maximum = maximum }

  /// The name in reports.
  public var name: String { "vivace" }

  /// The pool size to open with.
  public mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  public mutating func observe(_ sample: Sample) -> PoolDecision {
    guard let rate = probe.observe(sample) else { return decision }
    let gain = pow(rate, 0.9)
    utilities.append(gain * (1 - 0.01 * Double(poolSize)))
    trial += 1
    guard trial == 4 else { return decision }
    let up = utilities[0] + utilities[3]
    let down = utilities[1] + utilities[2]
    let sign: Double = up > down ? 1 : -1
    confidence = sign == lastSign ? min(8, confidence + 1) : 1
    lastSign = sign
    base = min(Double(maximum), max(2, base + sign * confidence * spread))
    trial = 0
    utilities = []
    return decision
  }

  private var spread: Double { max(1, (base * 0.1).rounded()) }

  private var poolSize: Int {
    let isUp = trial == 0 || trial == 3
    return max(1, whole(isUp ? base + spread : base - spread))
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "paired trials")
  }
}
