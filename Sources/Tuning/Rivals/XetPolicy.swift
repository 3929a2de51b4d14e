/// Hugging Face xet-core's adaptive concurrency: one more while transfers succeed, one less when not.
///
/// Starts at 4; a step needs half a second and 20 MB since the one before. A stretch succeeds when it was
/// at least 0.9 times as fast as the running mean and nothing was refused; the ratio of successes decides.
public struct XetPolicy: Policy {
  private let maximum: Int
  private var poolSize = 4
  private var steppedAt: (now: Moment, bytes: Int64) = (.zero, 0)
  private var mean: Double?
  private var successRatio = 0.8

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  public init(maximum: Int) { self.maximum = maximum }

  /// The name in reports.
  public var name: String { "hf-xet" }

  /// The pool size to open with.
  public mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  public mutating func observe(_ sample: Sample) -> PoolDecision {
    let seconds = sample.now - steppedAt.now
    let bytes = sample.bytesDone - steppedAt.bytes
    guard seconds >= 0.5, bytes >= 20_000_000 || !sample.refusals.isEmpty else { return decision }
    let rate = Double(bytes) / seconds
    let isSuccess = sample.refusals.isEmpty && rate >= 0.9 * (mean ?? 0)
    mean = (mean ?? rate) * 0.7 + rate * 0.3
    successRatio = successRatio * 0.7 + (isSuccess ? 0.3 : 0)
    if successRatio > 0.8 {
      poolSize += 1
    } else if successRatio < 0.5 {
      poolSize -= 1
    }
    poolSize = min(maximum, max(1, poolSize))
    steppedAt = (sample.now, sample.bytesDone)
    return decision
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "share of successes")
  }
}
