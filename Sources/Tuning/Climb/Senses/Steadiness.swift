/// How much throughput varies by itself, while the pool stays as it is.
///
/// Losses that end in time-outs, and servers with moods, make the rate of a moment say little. How long a
/// look at a pool size must last follows from that.
struct Steadiness: Sendable {
  /// Variance of the rate over one window, as a part of the rate squared.
  private(set) var variance = 0.0

  private var poolSize = 0
  private var windowStart: (at: Moment, bytes: Int64)?
  private var lastRate: Double?

  /// What a new pair of windows counts in the running mean: a first one says little, and nothing is
  /// believed of a path that has shown nothing.
  private static let weight = 0.1
  /// A rate that falls by more than this part of itself has another reason than chance: a gap, or
  /// another path.
  private static let mostFall = 0.7
  /// Standard deviation that a judgement bears, as a part of the rate.
  private static let borne = 0.1

  /// Takes a sample in.
  ///
  /// - Parameters:
  ///   - sample: of a pull that has work for its workers.
  ///   - window: seconds of the shortest look; two of them that follow each other at one size are compared.
  mutating func observe(_ sample: Sample, window: Double) {
    let hasLanded = sample.hasLanded(at: sample.poolSize)
    guard sample.poolSize == poolSize, hasLanded, let start = windowStart else {
      poolSize = sample.poolSize
      windowStart = hasLanded ? (sample.now, sample.bytesDone) : nil
      lastRate = nil
      return
    }
    let span = sample.now - start.at
    guard span >= window else { return }
    let rate = Double(sample.bytesDone - start.bytes) / span
    if let lastRate, lastRate + rate > 0 { note(from: lastRate, to: rate) }
    lastRate = rate
    windowStart = (sample.now, sample.bytesDone)
  }

  /// Counts falls alone, because a rate that rises may be slow start.
  ///
  /// Of a rate that varies around its mean half the pairs fall, so the mean square of falls is the variance.
  private mutating func note(from earlier: Double, to later: Double) {
    let fall = max(0, 2 * (earlier - later) / (earlier + later))
    guard fall <= Self.mostFall else { return }
    variance += Self.weight * (fall * fall - variance)
  }

  /// How many windows a look needs, so that chance does not decide it.
  var windowsNeeded: Double { variance / (Self.borne * Self.borne) }
}
