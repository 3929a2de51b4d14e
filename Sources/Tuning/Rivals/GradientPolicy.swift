/// Netflix concurrency-limits' `Gradient2Limit`: the pool follows the ratio of long to short latency.
///
/// `limit = limit x clamp(0.5, tolerance x long / short, 1) + 4`, smoothed by 0.2, where latency is the time
/// to a first byte; only while at least half of the limit is in use.
public struct GradientPolicy: Policy {
  private let maximum: Int
  private var limit = 20.0
  private var long: Double?
  private static let tolerance = 1.5
  private static let queueSize = 4.0
  private static let smoothing = 0.2
  private static let longWindow = 600.0

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  public init(maximum: Int) { self.maximum = maximum }

  /// The name in reports.
  public var name: String { "gradient2" }

  /// The pool size to open with.
  public mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  public mutating func observe(_ sample: Sample) -> PoolDecision {
    for short in sample.firstByteSeconds where short > 0 {
      var mean = long ?? short
      mean += (short - mean) * 2 / (Self.longWindow + 1)
      if mean / short > 2 { mean *= 0.95 }
      long = mean
      guard Double(sample.open) >= limit / 2 else { continue }
      let gradient = max(0.5, min(1, Self.tolerance * mean / short))
      let wanted = limit * gradient + Self.queueSize
      limit = limit * (1 - Self.smoothing) + wanted * Self.smoothing
      limit = min(Double(maximum), max(1, limit))
    }
    if !sample.refusals.isEmpty { limit = max(1, limit / 2) }
    return decision
  }

  private var decision: PoolDecision {
    PoolDecision(
      poolSize: min(maximum, whole(limit.rounded(.down))), reason: "long latency over short")
  }
}
