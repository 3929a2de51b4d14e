import Tuning

/// Falcon (Arifuzzaman and Arslan, SC'21): probes of 3 s, and the size with the best utility.
///
/// Source: arif-zaman/falcon-datamover, `src/falcon/search.py`, commit de771b1a (`hill_climb`,
/// `gradient_opt_fast`); `src/falcon/__main__.py` (`sample_transfer`) and `src/falcon/configs.py`,
/// commit dd9f9237. Its constants: `probing_sec` 3, `K` 1.02. The score of a probe is the mean
/// throughput of its last two seconds in Mbit/s over `K` to the number of workers, rounded to a
/// whole number.
///
/// The score's other term, 10 times the share of packets sent again, is left out: a receiver does
/// not see what was lost. Its `--max_cc`, without which it takes the number of CPUs, is the largest
/// pool size.
struct FalconPolicy: Policy {
  /// How the pool size moves.
  enum Search: Sendable {
    /// By one while the score rises; then it waits for a change of a tenth.
    case hillClimb
    /// By the gradient, in steps that grow while its sign stays the same.
    case gradient
  }

  /// `probing_sec`, in seconds.
  private static let probeSeconds = 3.0
  /// Seconds of a probe before those that count.
  private static let skippedSeconds = 1.0
  /// `K`.
  static let costOfWorker = 1.02

  /// The name in reports.
  let name: String
  private let search: Search
  private let maximum: Int
  private var probe = Probe(seconds: probeSeconds, skipping: skippedSeconds)
  private var poolSize = 1

  /// Whether a hill climb goes up (1), goes down (-1) or waits (0).
  private var phase = 1
  private var previousScore = 0.0

  private var last: (poolSize: Int, cost: Double)?
  private var theta = 0.0
  private var leastCost = 0.0
  private var softLimit: Int

  /// Makes the policy.
  ///
  /// - Parameters:
  ///   - name: its name in reports.
  ///   - search: how it moves.
  ///   - maximum: largest pool size.
  init(name: String, search: Search, maximum: Int) {
    self.name = name
    self.search = search
    self.maximum = maximum
    softLimit = maximum
  }

  /// The pool size to open with.
  mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  mutating func observe(_ sample: Sample) -> PoolDecision {
    guard let rate = probe.observe(sample) else { return decision }
    let score = Self.score(rate: rate, poolSize: poolSize)
    switch search {
    case .hillClimb: climb(score)
    case .gradient: descend(-score)
    }
    return decision
  }

  /// Throughput in Mbit/s over `K` to the number of workers, whole.
  static func score(rate: Double, poolSize: Int) -> Double {
    (rate * 8 / 1e6 / pow(costOfWorker, Double(poolSize))).rounded(.toNearestOrEven)
  }

  /// `hill_climb`.
  private mutating func climb(_ score: Double) {
    let (up, down) = (min(maximum, poolSize + 1), max(1, poolSize - 1))
    switch phase {
    case 1:
      if score > previousScore {
        poolSize = up
        previousScore = score
      } else {
        poolSize = down
        phase = 0
      }
    case -1:
      if score > previousScore {
        poolSize = up
        phase = 0
      } else {
        poolSize = down
        previousScore = score
      }
    default:
      let change = (score - previousScore) / previousScore
      previousScore = score
      if change > 0.1 {
        phase = 1
        poolSize = up
      } else if change < -0.1 {
        phase = -1
        poolSize = down
      }
    }
  }

  /// `gradient_opt_fast`, in costs as theirs: a score with its sign turned round.
  private mutating func descend(_ cost: Double) {
    if cost < leastCost {
      leastCost = cost
      softLimit = min(poolSize + 10, maximum)
    }
    let present = (poolSize: poolSize, cost: cost)
    defer { last = present }
    guard let last else {
      poolSize = min(maximum, 2)
      return
    }
    let distance = Double(max(1, abs(poolSize - last.poolSize)))
    let difference = poolSize > last.poolSize ? cost - last.cost : last.cost - cost
    let gradient = difference / distance
    let change = abs(last.cost == 0 ? gradient : gradient / last.cost)
    if gradient > 0 {
      theta = theta <= 0 ? theta - 1 : -1
    } else {
      theta = theta >= 0 ? theta + 1 : 1
    }
    let step = whole(theta * (Double(poolSize) * change).rounded(.up))
    poolSize = min(max(poolSize + step, 2), softLimit)
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "T / 1.02^n")
  }
}
