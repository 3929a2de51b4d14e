/// A pool size and what it brought.
struct Level: Sendable, Equatable {
  var poolSize: Int
  /// Bytes per second.
  var rate: Double

  /// Bytes per second of one worker.
  var each: Double { rate / Double(poolSize) }
}

/// How many workers are allowed, since when, and whether they are there yet.
struct Pool: Sendable {
  /// The pool as it was set has come about.
  struct Landing: Sendable {
    /// When enough workers carried data.
    let at: Moment
    /// What seemed to be full then; a later look may find that bytes only came in bursts.
    var full: PullRecord.Limit?
  }

  private(set) var size = 1
  /// When the size was last changed.
  private(set) var changedAt = Moment.zero
  /// Whether that made the pool smaller.
  private(set) var isShrinking = false
  /// Nil until enough workers carry data.
  var landing: Landing?

  /// Seconds, and round trips, after which a larger pool counts as landed in any case.
  private static let patience = 0.5
  private static let patienceTrips = 10.0
  /// The same for a smaller one, whose workers first finish their segments.
  private static let shrinkingPatience = 8.0

  mutating func set(_ size: Int, now: Moment) {
    guard size != self.size else { return }
    isShrinking = size < self.size
    self.size = size
    changedAt = now
    landing = nil
  }

  /// Notices when the pool is what it was set to.
  mutating func observe(_ sample: Sample, roundTrip: Double) {
    guard landing == nil else { return }
    let patience =
      isShrinking ? Self.shrinkingPatience : Self.patience + Self.patienceTrips * roundTrip
    if sample.hasLanded(at: size) || sample.now - changedAt > patience {
      landing = Landing(at: sample.now)
    }
  }
}
