import Tuning

/// xet-core's prediction of durations: `duration = base + size x concurrency / bandwidth`.
///
/// Source: huggingface/xet-core,
/// `xet_client/src/cas_client/adaptive_concurrency/exp_weighted_olr.rs`, commit 9dfcc245
/// (`ExpWeightedOnlineLinearRegression`), and `rtt_prediction.rs` beside it, commit 4e88dd1f
/// (`RTTPredictor`). A line through `(MiB x concurrency, seconds)` by least squares, whose points
/// count half after 64 others (`ac_latency_rtt_half_life`); a quantile is that of a normal
/// distribution around the line, as wide as the standard error of the line itself.
struct XetRegression: Sendable, Equatable {
  /// `ac_latency_rtt_half_life`, in updates.
  private static let halfLife = 64.0
  /// `BASE_SIZE_UNIT`, in bytes.
  private static let mebibyte = 1_048_576.0
  private static let decay = exp2(-1 / halfLife)

  private var sw = 0.0
  private var sx = 0.0
  private var sy = 0.0
  private var sxx = 0.0
  private var sxy = 0.0
  private var syy = 0.0

  /// Takes a transfer that succeeded, or the part of it that is here.
  mutating func add(bytes: Double, seconds: Double, concurrency: Double, weight: Double) {
    let x = Self.load(bytes, concurrency)
    let y = max(1e-9, seconds)
    sw = sw * Self.decay + weight
    sx = sx * Self.decay + weight * x
    sy = sy * Self.decay + weight * y
    sxx = sxx * Self.decay + weight * x * x
    sxy = sxy * Self.decay + weight * x * y
    syy = syy * Self.decay + weight * y * y
  }

  /// Seconds that a transfer should take, and the standard error of that.
  ///
  /// Nil while the points lie too close to each other for a line; no error while they weigh 2 or
  /// less.
  func predict(bytes: Double, concurrency: Double) -> (seconds: Double, error: Double?)? {
    let x = Self.load(bytes, concurrency)
    let determinant = sw * sxx - sx * sx
    let scale = abs(sw * sxx)
    guard scale > 0, determinant > 1e-12 * scale else { return nil }
    let base = (sxx * sy - sx * sxy) / determinant
    let slope = (sw * sxy - sx * sy) / determinant
    let seconds = max(0, base + slope * x)
    let freedom = sw - 2
    guard freedom > 0 else { return (seconds, nil) }
    let variance = max(0, (syy - base * sy - slope * sxy) / freedom)
    let spread = (sxx - 2 * sx * x + sw * x * x) / determinant
    return (seconds, max(0, variance * spread).squareRoot())
  }

  /// `rtt_quantile`: how surely a transfer took too long, 0 to 1; 0.5 where nothing is known.
  func quantile(seconds: Double, bytes: Double, concurrency: Double) -> Double {
    guard let prediction = predict(bytes: bytes, concurrency: concurrency),
      let error = prediction.error, error.isFinite, error > 0
    else { return 0.5 }
    let deviation = (seconds - prediction.seconds) / error
    return min(1, max(0, 0.5 * (1 + erf(deviation / 2.0.squareRoot()))))
  }

  private static func load(_ bytes: Double, _ concurrency: Double) -> Double {
    bytes / mebibyte * max(1, concurrency)
  }
}
