/// Falcon (Arifuzzaman and Arslan, SC'21) and its descendant FastBioDL (arXiv 2508.05511).
///
/// Utility `U = T / 1.02^n` of probes of fixed length; the loss term is left out, as a receiver does not
/// see losses. Hill climbing moves by one; gradient descent by a step that grows while the sign of the
/// gradient stays the same.
public struct FalconPolicy: Policy {
  /// How the pool size moves.
  public enum Search: Sendable {
    /// By one, turning round when the utility falls.
    case hillClimb
    /// By the gradient.
    case gradient
  }

  /// The name in reports.
  public let name: String
  private let search: Search
  private let maximum: Int
  private var probe: Probe
  private var poolSize = 2
  private var direction = 1
  private var last: (poolSize: Int, utility: Double)?
  private var theta = 0.0

  /// Makes the policy.
  ///
  /// - Parameters:
  ///   - name: its name in reports.
  ///   - search: how it moves.
  ///   - probeSeconds: length of a probe in seconds: 3 for Falcon, 5 for FastBioDL.
  ///   - maximum: largest pool size.
  public init(name: String, search: Search, probeSeconds: Double, maximum: Int) {
    self.name = name
    self.search = search
    self.maximum = maximum
    probe = Probe(seconds: probeSeconds)
  }

  /// The pool size to open with.
  public mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  public mutating func observe(_ sample: Sample) -> PoolDecision {
    guard let rate = probe.observe(sample) else { return decision }
    let utility = rate / pow(1.02, Double(poolSize))
    let measured = poolSize
    defer { last = (measured, utility) }
    guard let last else {
      poolSize += 1
      return decision
    }
    switch search {
    case .hillClimb:
      if utility < last.utility { direction = -direction }
      poolSize += direction
    case .gradient:
      let distance = max(1, abs(poolSize - last.poolSize))
      let sign = poolSize > last.poolSize ? 1.0 : -1.0
      let gradient = sign * (utility - last.utility) / Double(distance)
      let change = last.utility > 0 ? abs(gradient / last.utility) : abs(gradient)
      if gradient > 0 {
        theta = theta >= 0 ? theta + 1 : 1
      } else {
        theta = theta <= 0 ? theta - 1 : -1
      }
      let step = theta * (Double(poolSize) * change).rounded(.up)
      poolSize += whole(max(-1_000, min(1_000, step)))
    }
    poolSize = min(maximum, max(1, poolSize))
    return decision
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "T / 1.02^n")
  }
}
