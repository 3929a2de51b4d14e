/// What earlier pulls taught about one path, as a policy starts from it.
package struct Prior: Sendable, Equatable {
  /// Throughput at one pool size.
  package struct Point: Sendable, Equatable {
    /// The pool size.
    package var poolSize: Int
    /// Mean of the natural logarithm of bytes per second.
    package var logRate: Double
    /// Variance of that.
    package var variance: Double
    /// How much is behind it: seconds measured, fading with age.
    package var weight: Double
    /// The part of that in which every worker was busy; else the rate is a lower bound.
    package var busyWeight: Double
    /// Pulls that it was measured in, fading with age.
    package var pulls = 1.0
    /// Beside measurements, the highest that it brought while not all workers were busy: the
    /// natural logarithm of bytes per second, a lower bound.
    package var bound: Double?
    /// Seconds behind that, fading with age.
    package var boundWeight = 0.0

    /// Makes a point; of nothing but busy workers, unless set.
    package init(
      poolSize: Int, logRate: Double, variance: Double, weight: Double, busyWeight: Double? = nil
    ) {
      self.poolSize = poolSize
      self.logRate = logRate
      self.variance = variance
      self.weight = weight
      self.busyWeight = busyWeight ?? weight
    }

    /// Bytes per second.
    package var rate: Double { exp(logRate) }

    /// Whether most of it was not measured with every worker busy: the rate is a lower bound then.
    package var isBound: Bool { 2 * busyWeight <= weight }

    /// From and to where the rate lies with 95 % confidence, in bytes per second.
    package var spread: ClosedRange<Double> {
      let error = 1.96 * standardError()
      return exp(logRate - error)...exp(logRate + error)
    }

    /// Seconds measured from which a point counts.
    static let enough = 0.25
    /// Seconds of measurement that count as one independent reading.
    private static let reading = 3.0

    /// Standard error of `logRate`.
    ///
    /// - Parameter scatter: least standard deviation; few readings seem to agree better than they do.
    func standardError(scatter: Double = 0) -> Double {
      let deviation = max(scatter, variance.squareRoot())
      return deviation / max(1, weight / Self.reading).squareRoot()
    }
  }

  /// Throughput by pool size, smallest first.
  package var points: [Point]
  /// Round trip of the idle path, in seconds.
  package var idleRoundTripSeconds: Double?
  /// Requests that the server was busy with when it refused another; never to be exceeded.
  package var ceiling: Int?
  /// False where it comes from another path or machine: a hint only.
  package var isOwn: Bool
  /// Whether this machine's pulls went this way but measured nothing, so that a hint is all there is.
  package var wasSeen = false
  /// Sweeps of the path, newest first.
  package var sweeps: [SweepEvidence] = []
  /// What limited the last pull that could say.
  package var limitedBy: PullRecord.Limit?

  /// Makes a prior.
  package init(
    points: [Point], idleRoundTripSeconds: Double? = nil, ceiling: Int? = nil, isOwn: Bool = true
  ) {
    self.points = points.sorted { $0.poolSize < $1.poolSize }
    self.idleRoundTripSeconds = idleRoundTripSeconds
    self.ceiling = ceiling
    self.isOwn = isOwn
  }
}

/// Throughput by pool size on one path, learned pull by pull.
package struct PathMemory: Sendable, Equatable {
  /// Seconds in which half of what was learned fades: 14 days.
  package static let halfLife = 14 * 86_400.0
  /// Seconds for which a ceiling is remembered: 72 hours.
  package static let ceilingLife = 72 * 3_600.0

  /// Epochs of fewer seconds are put together.
  private static let shortEpoch = 1.0
  /// What a second counts in which the pool could not use all its workers.
  private static let boundShare = 0.5

  /// By pool size, as of `learnedAt`.
  package private(set) var statistics: [Int: Statistics] = [:]
  /// Round trip of the idle path in seconds.
  package private(set) var idle: Double?
  private var ceiling: (poolSize: Int, at: Double)?
  private var limitedBy: PullRecord.Limit?
  /// When it last learned, in seconds of the caller's clock.
  package private(set) var learnedAt = 0.0

  /// Knows nothing.
  package init() {}

  /// Equal when they know the same.
  package static func == (left: PathMemory, right: PathMemory) -> Bool {
    left.prior(at: left.learnedAt) == right.prior(at: right.learnedAt)
  }

  /// Learns from a pull.
  ///
  /// - Parameters:
  ///   - record: what the pull saw.
  ///   - now: when, in seconds of any clock that `prior(at:)` uses too.
  package mutating func learn(_ record: PullRecord, at now: Double) {
    fade(to: now)
    var measured: Set<Int> = []
    for epoch in Self.pooled(record.epochs) where epoch.bytes > 0 {
      if epoch.isAppLimited {
        // With all its workers busy it would have been faster still: that much is certain.
        statistics[epoch.poolSize, default: .init()]
          .bound(log(epoch.rate), weight: epoch.seconds * Self.boundShare)
      } else {
        statistics[epoch.poolSize, default: .init()].add(log(epoch.rate), weight: epoch.seconds)
        measured.insert(epoch.poolSize)
      }
    }
    for size in measured { statistics[size]?.pulls += 1 }
    noteIdle(record.idleRoundTripSeconds)
    if let served = record.ceiling { limit(to: served, at: now) }
    limitedBy = record.limitedBy ?? limitedBy
  }

  /// Epochs, with the short ones of each size put together: a moment's rate is not a size's, least of all
  /// where a server doles its bytes out by the second.
  private static func pooled(_ epochs: [Epoch]) -> [Epoch] {
    let isShort = { (epoch: Epoch) in !epoch.isAppLimited && epoch.seconds < shortEpoch }
    var sums: [Int: Epoch] = [:]
    for epoch in epochs where isShort(epoch) {
      guard let sum = sums[epoch.poolSize] else {
        sums[epoch.poolSize] = epoch
        continue
      }
      sums[epoch.poolSize]?.bytes = sum.bytes + epoch.bytes
      sums[epoch.poolSize]?.seconds = sum.seconds + epoch.seconds
    }
    return epochs.filter { !isShort($0) } + sums.values.sorted { $0.poolSize < $1.poolSize }
  }

  /// Takes in what was folded earlier, or what another machine learned.
  ///
  /// - Parameters:
  ///   - folded: by pool size.
  ///   - now: when it was learned; not before anything learned so far.
  package mutating func merge(_ folded: [Int: Statistics], at now: Double) {
    fade(to: now)
    for (size, known) in folded { statistics[size, default: .init()].merge(known) }
  }

  /// Takes in a ceiling that was remembered.
  ///
  /// - Parameters:
  ///   - poolSize: requests being served when another was refused.
  ///   - now: when.
  package mutating func limit(to poolSize: Int, at now: Double) {
    ceiling = (min(poolSize, ceiling?.poolSize ?? .max), now)
  }

  /// Takes in an idle round trip in seconds that was remembered.
  package mutating func noteIdle(_ seconds: Double?) {
    idle = [idle, seconds].compactMap { $0 }.min()
  }

  private mutating func fade(to now: Double) {
    let factor = exp2(-max(0, now - learnedAt) / Self.halfLife)
    learnedAt = max(now, learnedAt)
    guard factor < 1 else { return }
    // In place: a long history is read back pull by pull.
    for index in statistics.values.indices { statistics.values[index].fade(by: factor) }
  }

  /// What a policy starts from; nil where nothing was learned.
  ///
  /// - Parameter now: in seconds of the clock that `learn` was given.
  package func prior(at now: Double) -> Prior? {
    guard !statistics.isEmpty || ceiling != nil else { return nil }
    let factor = exp2(-max(0, now - learnedAt) / Self.halfLife)
    let points = statistics.map { size, known in
      var point = Prior.Point(
        poolSize: size, logRate: known.mean,
        variance: known.weight > 0 ? known.squares / known.weight : 0,
        weight: known.weight * factor,
        busyWeight: known.busyWeight * factor)
      point.pulls = max(1, known.pulls * factor)
      point.bound = known.bound
      point.boundWeight = known.boundWeight * factor
      return point
    }
    let isFresh = ceiling.map { now - $0.at < Self.ceilingLife } ?? false
    var prior = Prior(
      points: points, idleRoundTripSeconds: idle, ceiling: isFresh ? ceiling?.poolSize : nil)
    prior.limitedBy = limitedBy
    return prior
  }
}
