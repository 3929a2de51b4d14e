import Tuning

/// FastBioDL (arXiv 2508.05511): Falcon's utility, probes of 5 s, steps of the relative gradient.
///
/// Source: swargo98/FastBioDL-Adaptive-Parallel_Downloader, commit 8c2ed88a: `fastbiodl.py`
/// (`download_probing`), `search.py` (`gradient_opt_fast`) and `config_fastbiodl.py`. Its
/// constants: `probing_sec` 5, `thread_limit` 15, `K` 1.02, `cc_change_limit` 5. The score of a
/// probe is the mean throughput of its last four seconds in Mbit/s over `K` to the number of
/// workers, rounded. A step is the size times the relative change of the score for each worker, 1
/// to 5 workers up or down. Every tenth probe goes no higher than the size with the best score of
/// those it remembers: the first 20.
struct FastBioDLPolicy: Policy {
  /// `probing_sec`, in seconds.
  private static let probeSeconds = 5.0
  /// Seconds of a probe before those that count.
  private static let skippedSeconds = 1.0
  /// `thread_limit`, in workers.
  private static let most = 15
  /// `cc_change_limit`, in workers.
  private static let largestStep = 5.0
  /// Scores that are remembered.
  private static let memory = 20
  /// Probes between those that look at what is remembered.
  private static let recallInterval = 10

  private let maximum: Int
  private var probe = Probe(seconds: probeSeconds, skipping: skippedSeconds)
  private var poolSize = 1
  private var probes = 0
  private var last: (poolSize: Int, score: Double)?
  /// The size that each score was last seen with.
  private var sizes: [Double: Int] = [:]

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  init(maximum: Int) { self.maximum = min(Self.most, maximum) }

  /// The name in reports.
  var name: String { "fastbiodl" }

  /// The pool size to open with.
  mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  mutating func observe(_ sample: Sample) -> PoolDecision {
    guard let rate = probe.observe(sample) else { return decision }
    let score = FalconPolicy.score(rate: rate, poolSize: poolSize)
    let limit = remember(score)
    let present = (poolSize: poolSize, score: score)
    defer { last = present }
    guard let last else {
      poolSize = min(maximum, 2)
      return decision
    }
    let difference = Double(poolSize - last.poolSize)
    // A score of nothing gives no gradient; theirs then takes 1.
    let gradient =
      last.score == 0
      ? 1 : (score - last.score) / (last.score * (difference == 0 ? 1 : difference))
    let wanted = Double(poolSize) * gradient
    let rounded = wanted.rounded(.toNearestOrEven)
    let step =
      wanted > 0
      ? min(max(1, rounded), Self.largestStep) : max(min(-1, rounded), -Self.largestStep)
    poolSize = min(max(poolSize + whole(step), 1), limit)
    return decision
  }

  /// Notes a probe's score; the largest size that the next probe may have.
  private mutating func remember(_ score: Double) -> Int {
    probes += 1
    let isNew = sizes.updateValue(poolSize, forKey: score) == nil
    var limit = maximum
    if probes % Self.recallInterval == 0, let best = sizes.max(by: { $0.key < $1.key }) {
      limit = min(best.value, maximum)
    }
    // Theirs drops the newest of too many (`popitem(last=True)`), which so is never remembered.
    if isNew, sizes.count > Self.memory { sizes[score] = nil }
    return limit
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "T / 1.02^n")
  }
}
