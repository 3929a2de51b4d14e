import Tuning

/// Netflix concurrency-limits' `Gradient2Limit`: the pool follows long over short latency.
///
/// Source: Netflix/concurrency-limits,
/// `Gradient2Limit.java`, commit f2528def, and `measurement/ExpAvgMeasurement.java`, commit
/// 11c70606, in `concurrency-limits-core/src/main/java/com/netflix/concurrency/limits/limit`. Its
/// defaults: `initialLimit = 20`, `minLimit = 20`, `maxConcurrency = 200`, `smoothing = 0.2`,
/// `queueSize` 4, `longWindow = 600` with a warm-up of 10, `rttTolerance = 1.5`. With each answer
/// `limit = 0.8 x limit + 0.2 x (limit x clamp(0.5, 1.5 x long / short, 1) + 4)`, only while at
/// least half of the limit is in flight; a long latency of more than twice the short shrinks by a
/// twentieth.
///
/// Latency is the time to a first byte, for the same reason as with `AIMDPolicy`. It does not look
/// at whether a call was dropped, so refusals change nothing here either.
struct GradientPolicy: Policy {
  /// `initialLimit` and `minLimit`, in workers.
  private static let least = 20.0
  /// `maxConcurrency`, in workers.
  private static let most = 200.0
  private static let tolerance = 1.5
  /// `queueSize`, in workers.
  private static let queueSize = 4.0
  private static let smoothing = 0.2
  /// `longWindow`, in answers.
  private static let longWindow = 600.0
  /// `warmupWindow`, in answers: so many count alike.
  private static let warmUp = 10.0

  private let maximum: Int
  private var limit = GradientPolicy.least
  private var long = 0.0
  private var answers = 0.0

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  init(maximum: Int) { self.maximum = maximum }

  /// The name in reports.
  var name: String { "gradient2" }

  /// The pool size to open with.
  mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  mutating func observe(_ sample: Sample) -> PoolDecision {
    for short in sample.firstByteSeconds where short > 0 {
      answers = min(Self.warmUp + 1, answers + 1)
      let factor = answers <= Self.warmUp ? 1 / answers : 2 / (Self.longWindow + 1)
      long += (short - long) * factor
      // The gradient goes by the value before it shrinks, as theirs does.
      let ratio = long / short
      if ratio > 2 { long *= 0.95 }
      guard Double(sample.open) >= limit / 2 else { continue }
      let gradient = max(0.5, min(1, Self.tolerance * ratio))
      let wanted = limit * gradient + Self.queueSize
      limit = limit * (1 - Self.smoothing) + wanted * Self.smoothing
      limit = min(Self.most, Double(maximum), max(Self.least, limit))
    }
    return decision
  }

  private var decision: PoolDecision {
    PoolDecision(
      poolSize: min(maximum, whole(limit.rounded(.down))), reason: "long latency over short")
  }
}
