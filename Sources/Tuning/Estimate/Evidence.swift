/// What was seen of one path's throughput against pool size, each kind as what it is.
struct Evidence: Sendable, Equatable {
  /// Throughput at a pool size, measured while every worker was busy, or over whole pulls of a sweep.
  struct Reading: Sendable, Equatable {
    var poolSize: Int
    /// Mean of the natural logarithm of bytes per second.
    var logRate: Double
    /// Variance of a single measurement's.
    var variance: Double
    /// Measurements that do not depend on each other; short ones are less than one.
    var count: Double
    /// Pulls that they come from: between pulls, the path itself may change.
    var pulls: Double

    /// Least deviation of one measurement's logarithm: a few seem to agree better than they do.
    private static let scatter = 0.02
    /// Deviation of the logarithm of a size's throughput between pulls.
    private static let drift = 0.01

    /// Variance of `logRate`.
    ///
    /// - Parameter all: the path's readings; what one size's few say of their scatter is little,
    ///   all sizes' together say more.
    func noise(among all: [Reading]) -> Double {
      let freedom = all.reduce(0) { $0 + max(0, $1.count - 1) }
      let squares = all.reduce(0) { $0 + $1.variance * max(0, $1.count - 1) }
      let pooled = freedom > 0 ? squares / freedom : 0
      let single = max(Self.scatter * Self.scatter, pooled, variance / 2)
      return single / max(1e-4, count) + Self.drift * Self.drift / max(1, pulls)
    }
  }

  /// Throughput that a pool size brought while not all of its workers were busy: with all, it would be more.
  struct Bound: Sendable, Equatable {
    var poolSize: Int
    /// The natural logarithm of bytes per second.
    var logRate: Double
    /// How much it counts, 0 to 1.
    var weight: Double
  }

  var readings: [Reading] = []
  var bounds: [Bound] = []
  /// The largest pool size that can be chosen.
  var most = 64

  /// The logarithm of the highest rate of any size, measured or at least brought; nil: there is none.
  var highest: Double? { (readings.map(\.logRate) + bounds.map(\.logRate)).max() }

  /// Where the smallest pool size within 2 % of the best lies, size by size: between the size before
  /// and the size that is good enough itself, in the middle third of what noise leaves possible.
  ///
  /// A size that was hardly measured, for less than one reading, is taken for what the shapes say of
  /// it, and its own rate counts beside that as much as it is known. Else the best of many sizes would
  /// be one of which nobody knows much, by chance; and each further pull, which tries some more, would
  /// make the interval wider.
  ///
  /// - Parameter posterior: what the shapes say.
  func sizeBySize(_ posterior: Posterior) -> ClosedRange<Int>? {
    let usable = readings.filter { $0.poolSize <= most }.sorted { $0.poolSize < $1.poolSize }
    guard let smallest = usable.first, usable.count > 1 else { return nil }
    let known = usable.map { believed($0, posterior) }
    var random = RandomSource(seed: 1)
    var places = (0..<Self.draws).map { _ in
      let drawn = known.map { $0.mean + $0.deviation * random.nextNormal() }
      let enough = (drawn.max() ?? 0) + log(CurveFamily.tolerance)
      return drawn.firstIndex { $0 >= enough } ?? 0
    }
    places.sort()
    let low = places[Self.draws * 35 / 100]
    let high = usable[places[Self.draws - 1 - Self.draws * 35 / 100]].poolSize
    // Nothing is measured below the first: what lies there, only shapes can say.
    return min(high, low > 0 ? usable[low - 1].poolSize + 1 : smallest.poolSize)...high
  }

  /// The logarithm of a size's rate, and how sure that is.
  private func believed(_ reading: Reading, _ posterior: Posterior)
    -> (mean: Double, deviation: Double)
  {
    let noise = reading.noise(among: readings)
    guard reading.count < 1 else { return (reading.logRate, noise.squareRoot()) }
    let (own, shape) = (1 / noise, 1 / (Posterior.departure * Posterior.departure))
    let mean = reading.logRate * own + posterior.logRate(at: reading.poolSize) * shape
    return (mean / (own + shape), (1 / (own + shape)).squareRoot())
  }

  private static let draws = 400
}

extension RandomSource {
  /// A number that is normally distributed, nearly: the sum of twelve that are even.
  fileprivate mutating func nextNormal() -> Double {
    (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &self) }
  }
}
