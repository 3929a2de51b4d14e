/// Share: who shares a full line with others takes as many workers as they do, and no more.
enum ShareRule {
  /// Workers of everybody who shares a full line with others.
  static let size = 8
  /// Packets under way in each connection below which a pool does not grow, but yields.
  static let smallWindow = 10.0
  /// Packets under way below which TCP cannot repair a loss before a timeout (RFC 5681, three duplicate
  /// acknowledgements): a line with so many connections is worse for everybody.
  static let tinyWindow = 4.0
  /// Workers of everybody there.
  static let crowdSize = 2
  /// Part of the workers that stays, a step.
  static let step = 8  // tenths
  /// Seconds to the next probe of who has yielded.
  static let patience = 24.0
  /// A full line that brings less than this part of its highest rate is shared.
  static let slower = 0.8
  /// Who gets this much more than its share has the line to itself again.
  static let alone = 1.5
  /// How fast the share is learned, a sample.
  static let learning = 0.005
  /// Seconds, and round trips, until the share is known.
  static let known = (seconds: 3.0, trips: 20.0)
}

/// Whether others are on the line.
struct Sharing: Sendable {
  /// Whether others were seen: then the pool does not go below what they have.
  var isSharing = false
  /// What this pull gets of the line then, in bytes per second.
  var share: Double?
  /// Whether so many are there that each connection has next to nothing.
  var isCrowded = false

  /// Workers of everybody in a crowd.
  var size: Int { isCrowded ? ShareRule.crowdSize : ShareRule.size }
}

extension ClimbPolicy {
  /// So many connections that each has but a few packets under way only take from one another: fewer.
  mutating func yields(_ hold: Hold, packets: Double, rate: Double, _ view: PathView) -> Bool {
    if packets < ShareRule.tinyWindow { sharing.isCrowded = true }
    guard packets < ShareRule.smallWindow, pool.size > sharing.size, view.now >= hold.descendAt
    else { return false }
    let size = max(sharing.size, pool.size * ShareRule.step / 10)
    climb.sizeBefore = nil
    patience = ShareRule.patience
    limit = .line
    var next = hold
    next.descended = nil
    next.reference = Level(poolSize: size, rate: rate)
    next.since = view.now
    next.descendAt =
      view.now + max(DescendRule.pause.seconds, DescendRule.pause.trips * view.trip)
    enter(.holding(next), because: .yields)
    set(size, now: view.now, because: .yields)
    return true
  }

  /// The line is full and yet slower than it was: others have come.
  ///
  /// Politeness ends at a size that is the same for everybody, so that those who share a line get equal
  /// parts of it.
  mutating func standGround(rate: Double, _ now: Moment) -> Bool {
    let size = min(bounds.ceiling, sharing.size)
    guard pool.size < size, rate < ShareRule.slower * climb.peak else { return false }
    hold(Level(poolSize: size, rate: rate), now, because: .shares(size))
    bounds.floor = size
    sharing.isSharing = true
    sharing.share = nil
    climb.peak = rate
    return true
  }

  /// Whoever gets much more than its part has the line to itself again.
  mutating func watchShare(_ rate: Double, _ hold: Hold, _ view: PathView) {
    let isKnown =
      view.now - hold.since > ShareRule.known.seconds + ShareRule.known.trips * view.trip
    guard let share = sharing.share, isKnown else {
      sharing.share = max(sharing.share ?? 0, rate)
      return
    }
    if rate > ShareRule.alone * share {
      sharing.isSharing = false
      bounds.floor = 1
      climb.peak = rate
      return
    }
    sharing.share = share + ShareRule.learning * (rate - share)
  }
}
