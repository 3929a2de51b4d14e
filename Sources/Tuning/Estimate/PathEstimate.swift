/// What is known of the best pool size on one path, and how sure that is.
///
/// The same for every reader: reports, plots, tables and the next pull's start. The best is the
/// smallest size within 2 % of the highest throughput. Sweeps are preferred, because they tried
/// every size in random order; else measurements of ordinary pulls count, and what pulls brought
/// that were short of work as lower bounds.
package struct PathEstimate: Sendable, Equatable {
  /// Where the evidence comes from.
  package enum Source: Sendable, Equatable {
    /// Ordinary pulls.
    case pulls
    /// Whole pulls of one image with every size.
    case sweep(SweepEvidence)
  }

  /// Why the best pool size is not known yet.
  package enum Gap: Sendable, Equatable {
    /// No pool size's throughput was measured.
    case tooShort
    /// Larger pools ran out of work before anything could be measured.
    case tooShortAbove(Int)
    /// Only one pool size was measured.
    case onlyOne(Int)
    /// The largest that was measured may not be enough.
    case mayGain(above: Int)
    /// Measurements scatter too much, or are too few.
    case unsure

    /// For people, after "not known yet: ".
    package var words: String {
      switch self {
      case .tooShort: "pulls were too short to measure any pool size"
      case .tooShortAbove(let size):
        "pulls were too short to tell above \(size)"
      case .onlyOne(let size):
        "nothing but \(size == 1 ? "1 worker" : "\(size) workers") was measured"
      case .mayGain(let size):
        "\(size == 1 ? "1 worker is" : "\(size) workers are") the most that was measured, and more may be faster"
      case .unsure: "measurements are too few, or scatter too much"
      }
    }
  }

  /// Where the evidence comes from.
  package let source: Source
  /// The smallest that was measured and is about as fast as the best, where the interval has it;
  /// else its nearer end.
  package let optimum: Int
  /// Where the best lies with a probability of 90 %; what lies above the largest measured size is
  /// unknown where `gap` says so.
  package let interval: ClosedRange<Int>
  /// Bytes per second at `optimum`.
  package let rate: Double
  /// Why the best is not known; nil: it is.
  package let gap: Gap?
  /// From the smallest to the largest pool size that was measured; nil: none was.
  package let measured: ClosedRange<Int>?
  private let posterior: Posterior?

  /// An interval this much wider than its lower end says too little.
  private static let widest = 5
  /// What may lie outside the interval on either side.
  private static let tail = 0.05
  /// What a measured size may bring less than the best to be named: a measured one is better to
  /// start from than any between.
  private static let tolerance = 0.97
  /// The logarithm by which a lower bound is above the best that was measured, and is no noise.
  private static let denial = 0.15
  /// The best lies above what was measured with no more than this chance where it is known.
  private static let unseen = 0.1

  /// Two are equal when they say the same.
  package static func == (left: PathEstimate, right: PathEstimate) -> Bool {
    left.source == right.source && left.optimum == right.optimum && left.gap == right.gap
      && left.interval == right.interval && left.rate == right.rate
  }

  /// Reads a prior; nil where there is nothing in it.
  ///
  /// - Parameters:
  ///   - prior: what was learned of the path.
  ///   - most: the largest pool size that could be chosen.
  package init?(_ prior: Prior, most: Int = 64) {
    let seen = Evidence(prior, most: most)
    let sweeps = prior.sweeps.filter { $0.reaches(seen.highest) }.compactMap { sweep in
      Self(Evidence(sweep, prior, most: most), .sweep(sweep), prior)
    }
    // A fresh one first; whichever knows, before those that do not.
    if let known = sweeps.first(where: { $0.isFresh && $0.gap == nil }) {
      self = known
      return
    }
    let pulls = Self(seen, .pulls, prior)
    let all = sweeps.filter(\.isFresh) + [pulls].compactMap { $0 } + sweeps.filter { !$0.isFresh }
    guard let chosen = all.first(where: { $0.gap == nil }) ?? all.first else { return nil }
    self = chosen
  }

  /// The pool size that a pull starts from where it has this prior; nil: nothing was measured.
  ///
  /// The best where it is known; else the one that did best of what was tried, and more where the most
  /// that were tried still gained. Short pulls, and those of small blobs, may open with another size.
  ///
  /// - Parameters:
  ///   - prior: what was learned of the path.
  ///   - most: the largest pool size that may be chosen.
  package static func startingSize(_ prior: Prior, most: Int = 64) -> Int? {
    guard prior.isOwn, let known = KnownPath(prior) else { return nil }
    guard known.isGaining, known.ceiling >= most else { return known.poolSize }
    let trip = prior.idleRoundTripSeconds ?? OpenRule.unknownTrip
    let wide = min(OpenRule.most, OpenRule.wide(trip)).rounded(.down)
    return min(most, OpenRule.further(than: known.poolSize, wide: whole(wide)))
  }

  /// From the fewest to the most workers that a pull of any image starts from where it has this prior.
  ///
  /// - Parameters:
  ///   - prior: what was learned of the path.
  ///   - most: the largest pool size that may be chosen.
  package static func startingSizes(_ prior: Prior, most: Int = 64) -> ClosedRange<Int>? {
    guard prior.isOwn, let known = KnownPath(prior) else { return nil }
    let size = min(most, known.poolSize)
    guard known.ceiling >= most else { return size...size }
    let trip = prior.idleRoundTripSeconds ?? OpenRule.unknownTrip
    let wide = whole(min(OpenRule.most, OpenRule.wide(trip) + OpenRule.waiting).rounded(.down))
    if known.isGaining {
      let fewest = min(most, OpenRule.further(than: size, wide: whole(OpenRule.base)))
      return fewest...min(most, OpenRule.further(than: size, wide: wide))
    }
    return size...max(size, min(most, known.safe, OpenRule.shortly(size, wide: wide)))
  }

  private var isFresh: Bool {
    if case .sweep(let sweep) = source { sweep.isFresh } else { false }
  }

  private init?(_ evidence: Evidence, _ source: Source, _ prior: Prior) {
    self.source = source
    let sizes = evidence.readings.map(\.poolSize)
    let posterior = Posterior(evidence)
    self.posterior = posterior
    guard let posterior, let low = sizes.min(), let high = sizes.max() else {
      guard let best = evidence.bounds.max(by: { $0.logRate < $1.logRate }) else { return nil }
      optimum = best.poolSize
      interval = 1...max(1, evidence.most)
      rate = exp(best.logRate)
      gap = .tooShort
      measured = nil
      return
    }
    measured = low...high
    let interval = Self.interval(posterior, evidence)
    self.interval = interval
    let isOpen = posterior.chance(above: high) > Self.unseen
    let usable = evidence.readings.filter { $0.poolSize <= evidence.most }
      .sorted { $0.poolSize < $1.poolSize }
    let best = (usable.map(\.logRate).max() ?? 0) + log(Self.tolerance)
    let chosen = usable.first { $0.logRate >= best }?.poolSize ?? low
    optimum = min(interval.upperBound, max(interval.lowerBound, chosen))
    rate = posterior.rate(at: min(high, max(low, optimum))).middle
    let isWide =
      interval.upperBound > max(interval.lowerBound + 2, Self.widest * interval.lowerBound)
    let isCut = evidence.bounds.contains { $0.poolSize > high }
    // What pulls brought that were short of work, and is far above the best, denies it.
    let most = log(rate) + Self.denial
    let denied = evidence.bounds.filter { $0.logRate > most }.map(\.poolSize).max()
    gap =
      low == high && (isOpen || isWide)
      ? (isCut ? .tooShortAbove(high) : .onlyOne(high))
      : isOpen
        ? (isCut ? .tooShortAbove(high) : .mayGain(above: high))
        : isWide ? .unsure : denied.map { $0 > high ? .tooShortAbove(high) : .unsure }
  }

  /// What the shapes leave possible, and what the sizes do one by one; never narrower than the gaps
  /// between those that were measured.
  private static func interval(_ posterior: Posterior, _ evidence: Evidence) -> ClosedRange<Int> {
    var low = posterior.quantile(tail)
    var high = posterior.quantile(1 - tail)
    if let measured = evidence.sizeBySize(posterior) {
      low = min(low, measured.lowerBound)
      high = max(high, measured.upperBound)
    }
    let sizes = evidence.readings.map(\.poolSize)
    low = sizes.filter { $0 < low }.max().map { $0 + 1 } ?? low
    high = sizes.filter { $0 >= high }.min() ?? high
    return low...max(low, high)
  }

  /// Bytes per second at a pool size, and where it lies with a probability of 90 %; nil outside of
  /// what was measured: there the evidence carries no curve.
  package func rate(at size: Int) -> (middle: Double, range: ClosedRange<Double>)? {
    guard let posterior, let measured, measured.contains(size) else { return nil }
    return posterior.rate(at: size)
  }
}

extension Evidence {
  /// Seconds of measurement that count as one independent reading.
  private static let reading = 3.0

  /// What ordinary pulls saw.
  init(_ prior: Prior, most: Int) {
    self.most = min(most, prior.ceiling ?? most)
    for point in prior.points where point.weight > 0 {
      if !point.isBound {
        readings.append(
          Reading(
            poolSize: point.poolSize, logRate: point.logRate, variance: point.variance,
            count: point.busyWeight / Self.reading, pulls: max(1, point.pulls)))
      } else {
        bounds.append(
          Bound(poolSize: point.poolSize, logRate: point.logRate, weight: min(1, point.weight)))
      }
      if let bound = point.bound, !point.isBound {
        bounds.append(
          Bound(poolSize: point.poolSize, logRate: bound, weight: min(1, point.boundWeight)))
      }
    }
    self.most = max(self.most, prior.ceiling == nil ? readings.map(\.poolSize).max() ?? 1 : 1)
  }

  /// What a sweep saw.
  init(_ sweep: SweepEvidence, _ prior: Prior, most: Int) {
    self.most = max(
      1, min(max(most, sweep.points.map(\.poolSize).max() ?? 1), prior.ceiling ?? .max))
    readings = sweep.points.map {
      Reading(
        poolSize: $0.poolSize, logRate: $0.logRate, variance: $0.variance, count: Double($0.runs),
        pulls: Double($0.runs))
    }
  }
}
