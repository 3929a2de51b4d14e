import Tuning

/// aria2's `--optimize-concurrent-downloads`: `N = 5 + 25 log10(Mbit/s)`.
///
/// Source: aria2/aria2, `RequestGroupMan::optimizeConcurrentDownloads` in `src/RequestGroupMan.cc`,
/// there since release 1.22.0 and read in the copy at fengyichui/aria2, commit 699dbdf8;
/// `WINDOW_TIME` in `src/SpeedCalc.cc`; the interval in `src/FillRequestGroupCommand.cc`. Its
/// constants: coefficients A = 5 and B = 25, a speed of the last 10 s, asked for once a second,
/// rounded up. The speed in the formula is the highest so far. Once 5 s have passed without a
/// higher one, and the present speed is 1.1 times that of the last 5 s or more, it becomes the mean
/// of itself and the present.
///
/// Theirs is bounded by `--max-concurrent-downloads`, whose default of 5 would leave nothing to
/// decide; the largest pool size stands in for it.
struct AriaPolicy: Policy {
  /// `optimizeConcurrentDownloadsCoeffA_`, in workers.
  private static let base = 5.0
  /// `optimizeConcurrentDownloadsCoeffB_`, in workers for each power of ten of Mbit/s.
  private static let factor = 25.0
  private static let windowSeconds = 10.0
  private static let holdSeconds = 5.0
  private static let intervalSeconds = 1.0

  private let maximum: Int
  private var poolSize = Int(AriaPolicy.base)
  /// The window, oldest first: where each second of it began.
  private var marks: [(at: Moment, bytes: Int64)] = []
  private var previous: (at: Moment, bytes: Int64) = (.zero, 0)
  private var decidedAt = Moment.zero
  /// `optimizationSpeed_`, in bytes per second, and when it was last touched.
  private var reference: (rate: Double, at: Moment) = (0, .zero)

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  init(maximum: Int) { self.maximum = maximum }

  /// The name in reports.
  var name: String { "aria2" }

  /// The pool size to open with.
  mutating func start(_ opening: Opening) -> PoolDecision {
    previous.at = opening.now
    decidedAt = opening.now
    return decision
  }

  /// Takes a sample and decides again.
  mutating func observe(_ sample: Sample) -> PoolDecision {
    note(sample)
    if sample.now - decidedAt >= Self.intervalSeconds {
      decidedAt = sample.now
      decide(sample)
    }
    return decision
  }

  private mutating func note(_ sample: Sample) {
    // A second begins with bytes, so that waiting for the first ones is not in the speed.
    let isDue = marks.last.map { sample.now - $0.at >= 1 } ?? true
    if isDue, sample.bytesDone > previous.bytes { marks.append(previous) }
    previous = (sample.now, sample.bytesDone)
    marks.removeAll { sample.now - $0.at > Self.windowSeconds }
  }

  private mutating func decide(_ sample: Sample) {
    let present = rate(of: Self.windowSeconds, sample)
    if present >= reference.rate {
      reference = (present, sample.now)
    } else if sample.now - reference.at >= Self.holdSeconds {
      reference.at = sample.now
      if present >= 1.1 * rate(of: Self.holdSeconds, sample) {
        reference.rate = (reference.rate + present) / 2
      }
    }
    guard reference.rate > 0 else {
      poolSize = Int(Self.base)
      return
    }
    let wanted = Self.base + Self.factor * log10(reference.rate * 8 / 1e6)
    poolSize = min(maximum, max(1, whole(wanted.rounded(.up))))
  }

  private func rate(of seconds: Double, _ sample: Sample) -> Double {
    guard let mark = marks.first(where: { sample.now - $0.at <= seconds }) else { return 0 }
    return Double(sample.bytesDone - mark.bytes) / max(0.001, sample.now - mark.at)
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "5 + 25 log10(Mbit/s)")
  }
}
