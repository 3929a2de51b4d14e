/// An experiment: one image pulled with every pool size several times, in random order.
///
/// The 2017 measurements were one pull for each size, in order, so that drift could look like a result;
/// here runs are interleaved at random. It can be stopped after any run and resumed.
package struct Sweep: Sendable, Equatable, Codable {
  /// One pull.
  package struct Run: Sendable, Equatable, Codable {
    /// The pool size.
    package var poolSize: Int
    /// Seconds from the first request to the published image.
    package var seconds: Double

    /// Makes a run.
    package init(poolSize: Int, seconds: Double) {
      self.poolSize = poolSize
      self.seconds = seconds
    }
  }

  /// What is pulled.
  package let reference: String
  /// Pool sizes, smallest first.
  package let sizes: [Int]
  /// Pulls of each.
  package let repeats: Int
  /// Makes the order.
  package let seed: UInt64
  /// What was measured so far, in the order of the plan.
  package private(set) var runs: [Run] = []

  /// Plans an experiment.
  package init(reference: String, sizes: [Int], repeats: Int, seed: UInt64) {
    self.reference = reference
    self.sizes = Set(sizes).sorted()
    self.repeats = repeats
    self.seed = seed
  }

  /// Pool sizes of all runs, in order: each round has every size once, shuffled.
  package var plan: [Int] {
    var random = RandomSource(seed: seed)
    return (0..<repeats).flatMap { _ in sizes.shuffled(using: &random) }
  }

  /// The next run's pool size; nil when all are done.
  package var next: Int? {
    let plan = plan
    return runs.count < plan.count ? plan[runs.count] : nil
  }

  /// Whether what was measured is what the plan says: a state comes from a file.
  package var followsPlan: Bool {
    let plan = plan
    return runs.count <= plan.count && zip(runs, plan).allSatisfy { $0.poolSize == $1 }
  }

  /// Notes the next run's time.
  package mutating func note(seconds: Double) {
    guard let next else { return }
    runs.append(Run(poolSize: next, seconds: seconds))
  }

  /// Seconds that the rest will take, at the mean of what was measured; nil before the first run.
  package var secondsLeft: Double? {
    guard !runs.isEmpty else { return nil }
    let mean = runs.reduce(0) { $0 + $1.seconds } / Double(runs.count)
    return mean * Double(sizes.count * repeats - runs.count)
  }

  // MARK: Results

  /// What one pool size came to.
  package struct Result: Sendable, Equatable {
    /// The pool size.
    package var poolSize: Int
    /// Pulls.
    package var runs: Int
    /// Mean seconds.
    package var mean: Double
    /// Half the width of the mean's 95 % confidence interval, in seconds; 0 for a single run.
    package var margin: Double
  }

  /// Each pool size that was measured, smallest first.
  package var results: [Result] {
    sizes.compactMap { size in
      let times = runs.filter { $0.poolSize == size }.map(\.seconds)
      guard !times.isEmpty else { return nil }
      let mean = times.reduce(0, +) / Double(times.count)
      guard times.count > 1 else {
        return Result(poolSize: size, runs: 1, mean: mean, margin: 0)
      }
      let variance =
        times.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(times.count - 1)
      let error = (variance / Double(times.count)).squareRoot()
      return Result(
        poolSize: size, runs: times.count, mean: mean,
        margin: error * Self.student(times.count - 1))
    }
  }

  /// The fastest pool size.
  package var best: Result? { results.min { $0.mean < $1.mean } }

  /// The two-sided 95 % quantile of Student's distribution.
  private static func student(_ freedom: Int) -> Double {
    let table = [
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
      2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    ]
    return freedom <= table.count ? table[max(1, freedom) - 1] : 1.96 + 2.4 / Double(freedom)
  }

  /// Whether odd pool sizes are faster than even ones, as the author of the 2017 measurements read them.
  package struct OddTest: Sendable, Equatable {
    /// By what part odd sizes take less time than their neighbours do, on average; negative: more.
    package var advantage: Double
    /// Share of random relabellings of the sizes that favour "odd" as much: small means hardly chance.
    package var chance: Double
  }

  /// A one-sided permutation test over pool sizes; nil with fewer than two of either kind.
  ///
  /// Each size is compared with what its two neighbours say of it, so that the fall of the times from one
  /// worker to many favours nobody.
  ///
  /// - Parameter permutations: random relabellings.
  package func oddTest(permutations: Int = 10_000) -> OddTest? {
    let departures = departures
    let odd = departures.filter(\.isOdd).count
    guard odd >= 2, departures.count - odd >= 2 else { return nil }
    /// How much less time those labelled odd take than the others, in logarithms.
    func gain(_ isOdd: [Bool]) -> Double {
      var (first, second) = (0.0, 0.0)
      for (departure, flag) in zip(departures, isOdd) {
        if flag { first += departure.logarithm } else { second += departure.logarithm }
      }
      return second / Double(departures.count - odd) - first / Double(odd)
    }
    var labels = departures.map(\.isOdd)
    let seen = gain(labels)
    var random = RandomSource(seed: seed ^ 0x0DD)
    var extreme = 0
    for _ in 0..<permutations {
      labels.shuffle(using: &random)
      if gain(labels) >= seen - 1e-12 { extreme += 1 }
    }
    // A size that departs by x from its neighbours makes each of them depart by x / 2 the other way.
    return OddTest(
      advantage: 1 - exp(-seen / 2), chance: Double(extreme + 1) / Double(permutations + 1))
  }

  /// Logarithms of sizes' times over those between their neighbours, on a line over the logarithm of n.
  private var departures: [(isOdd: Bool, logarithm: Double)] {
    let results = results
    return zip(zip(results, results.dropFirst()), results.dropFirst(2)).compactMap { pair, above in
      let (below, middle) = pair
      guard below.poolSize == middle.poolSize - 1, above.poolSize == middle.poolSize + 1,
        min(below.mean, middle.mean, above.mean) > 0
      else { return nil }
      let (low, size, high) = (
        log(Double(below.poolSize)), log(Double(middle.poolSize)), log(Double(above.poolSize))
      )
      let share = (size - low) / (high - low)
      let between = (1 - share) * log(below.mean) + share * log(above.mean)
      return (middle.poolSize % 2 == 1, log(middle.mean) - between)
    }
  }
}
