import Rivals
package import Tuning

/// Whether what is said of the best pool size is true: histories of simulated pulls, held against
/// fixed pools over the same link.
///
/// A history is some pulls of 4, 15 or 60 s by the default policy, or a sweep of pulls of 15 s; those
/// of more pulls go on where those of fewer end, so that they say what more evidence does. The
/// truth is the smallest pool size within 2 % of the best throughput, by long pulls with each size;
/// a sweep's, by pulls of its own image.
package struct Honesty: Sendable {
  /// What a history is made of.
  package enum History: Sendable, Equatable, Hashable, CaseIterable {
    case onePull, threePulls, tenPulls, sweep

    /// For people.
    package var words: String {
      switch self {
      case .onePull: "1 pull"
      case .threePulls: "3 pulls"
      case .tenPulls: "10 pulls"
      case .sweep: "a sweep"
      }
    }

    var pulls: Int {
      switch self {
      case .onePull: 1
      case .threePulls: 3
      case .tenPulls: 10
      case .sweep: 0
      }
    }
  }

  /// What one history came to.
  package struct Outcome: Sendable {
    /// The link's name.
    package var link: String
    /// What it was made of.
    package var history: History
    /// The smallest pool size within 2 % of the best.
    package var truth: Int
    /// What was said; nil: nothing.
    package var estimate: PathEstimate?

    /// Whether the best was said to be known.
    package var isKnown: Bool { estimate.map { $0.gap == nil } ?? false }
    /// The interval's end in parts of its beginning; where nothing was said, as wide as they get.
    package var width: Double {
      guard let interval = estimate?.interval else { return Double(Oracle.sizes.last ?? 1) }
      return Double(interval.upperBound) / Double(interval.lowerBound)
    }
    /// Whether the truth lies in the interval.
    package var isCovered: Bool { estimate.map { $0.interval.contains(truth) } ?? false }
  }

  /// Pool sizes that are tried for the truth.
  package var sizes = Oracle.sizes
  /// Pool sizes of a sweep, and pulls of each.
  package var sweep = (sizes: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64], repeats: 3)
  /// Histories of each kind over each link.
  package var repeats = 4
  /// Seconds of the pulls that tell the truth, at the best rate, and how many there are of each size.
  package var truth = (seconds: 60.0, repeats: 2)

  private static let lengths = [4.0, 15, 60]

  /// Makes one.
  package init() {}

  /// Judges all kinds of histories over one link.
  ///
  /// - Parameters:
  ///   - model: a link that does not change with time.
  ///   - image: is scaled to the seconds that are wanted.
  package func judge(_ model: LinkModel, _ image: ImageModel) -> [Outcome] {
    let rough = Oracle(
      model: model, image: image.scaled(to: 4 * model.bandwidth), seeds: [1], sizes: [4, 16, 64])
    let rate = rough.best.rate
    let steady = smallest(model, image.scaled(to: rate * truth.seconds), Self.steadyRate)
    let short = image.scaled(to: rate * 15)
    let whole = smallest(model, short) { $0.rate }
    return (0..<repeats).flatMap { number -> [Outcome] in
      let seed = UInt64(number + 1) &* 1_000_003
      let outcome = { (history: History, estimate: PathEstimate?) in
        Outcome(
          link: model.name, history: history, truth: history == .sweep ? whole : steady,
          estimate: estimate)
      }
      return pulled(model, image, rate: rate, seed: seed).map { outcome($0, $1) }
        + [outcome(.sweep, swept(model, short, seed: seed))]
    }
  }

  /// The smallest pool size within 2 % of the best, by what a pull brings in a second: in all, or
  /// while all workers are busy.
  private func smallest(
    _ model: LinkModel, _ image: ImageModel, _ rate: (SimulatedOutcome) -> Double?
  ) -> Int {
    let rates = sizes.map { size in
      let values = (1...UInt64(truth.repeats)).compactMap { seed in
        rate(Simulation(model: model, seed: 7_000 + seed).run(image, FixedPolicy(poolSize: size)))
      }
      return (size: size, rate: values.reduce(0, +) / Double(max(1, values.count)))
    }
    let best = rates.map(\.rate).max() ?? 0
    return rates.first { $0.rate >= 0.98 * best }?.size ?? 1
  }

  private static func steadyRate(_ outcome: SimulatedOutcome) -> Double? {
    let epochs = outcome.record.epochs.filter { !$0.isAppLimited }
    let seconds = epochs.reduce(0) { $0 + $1.seconds }
    return seconds > 0 ? Double(epochs.reduce(0) { $0 + $1.bytes }) / seconds : nil
  }

  /// What is said of a path after its first pull, and as more come to the same history.
  private func pulled(
    _ model: LinkModel, _ image: ImageModel, rate: Double, seed: UInt64
  ) -> [(History, PathEstimate?)] {
    var random = RandomSource(seed: seed)
    var memory = PathMemory()
    var found: [(History, PathEstimate?)] = []
    let most = History.allCases.map(\.pulls).max() ?? 0
    for number in 1...max(1, most) {
      let at = Double(number) * 3_600
      let length = Self.lengths.randomElement(using: &random) ?? 15
      let context = PolicyName.Context(cpus: model.client.cpus, prior: memory.prior(at: at))
      let outcome = Simulation(model: model, seed: random.next())
        .run(image.scaled(to: rate * length), PolicyName.climb.make(context))
      memory.learn(outcome.record, at: at)
      guard let history = History.allCases.first(where: { $0.pulls == number }) else { continue }
      found.append((history, memory.prior(at: at + 3_600).flatMap { PathEstimate($0) }))
    }
    return found
  }

  private func swept(_ model: LinkModel, _ image: ImageModel, seed: UInt64) -> PathEstimate? {
    var plan = Sweep(reference: "simulated", sizes: sweep.sizes, repeats: sweep.repeats, seed: seed)
    var runs: [SweepEvidence.Run] = []
    while let size = plan.next {
      let outcome = Simulation(model: model, seed: seed &+ UInt64(runs.count))
        .run(image, FixedPolicy(poolSize: size))
      plan.note(seconds: outcome.seconds)
      runs.append(.init(poolSize: size, seconds: outcome.seconds, bytes: outcome.bytes))
    }
    guard let evidence = SweepEvidence(reference: plan.reference, runs: runs, age: 0) else {
      return nil
    }
    var prior = Prior(points: [])
    prior.sweeps = [evidence]
    return PathEstimate(prior)
  }
}
