/// Share: who shares a full line with others takes as many workers as they do, and no more.
enum ShareRule {
  /// Workers of everybody who shares a full line with others.
  static let size = 16
  /// A full line that brings less than this part of its highest rate is shared.
  static let slower = 0.8
  /// With as many workers as others, a shared line brings at least this much more.
  static let gain = 1.25
  /// Seconds until fewer are tried again where it did not.
  static let pause = 4.0
  /// Who gets this much more than its share has the line to itself again.
  static let alone = 1.35
  /// How fast the share is learned, a sample.
  static let learning = 0.005
  /// Seconds, and round trips, until the share is known.
  static let known = (seconds: 3.0, trips: 20.0)
}

/// Whether others are on the line.
struct Sharing: Sendable {
  /// Whether others were seen: then the pool does not go below what they have.
  var isSharing = false
  /// When that began.
  var since = Moment.zero
  /// What this pull gets of the line then, in bytes per second.
  var share: Double?
}

extension ClimbPolicy {
  /// Others are on the line: a size that is the same for everybody gives everybody the same part.
  mutating func share(_ rate: Double, _ now: Moment) {
    let size = min(bounds.ceiling, ShareRule.size)
    hold(Level(poolSize: size, rate: rate), now, because: .shares)
    bounds.keep(size, now: now)
    sharing = Sharing(isSharing: true, since: now)
    climb.peak = rate
  }

  /// The line is full and yet slower than it was: others may have come.
  mutating func standGround(rate: Double, _ view: PathView) -> Bool {
    guard pool.size < min(bounds.ceiling, ShareRule.size), rate < ShareRule.slower * climb.peak
    else { return false }
    // What came before them says nothing of what more workers bring now.
    let lately = view.rates.rate(since: view.now + -view.judgingSeconds) ?? rate
    tryShare(Level(poolSize: pool.size, rate: min(rate, lately)), view.now)
    return true
  }

  /// Takes as many workers as others would, to see whether the line then gives more.
  mutating func tryShare(_ from: Level, _ now: Moment) {
    enter(.trying(Trial(belief: .others, from: from)), because: .mayShare)
    set(min(bounds.ceiling, ShareRule.size), now: now, because: .mayShare)
  }

  /// As many as others bring more than fewer did; in place of more, they leave a queue that others keep full.
  mutating func judgeShare(_ trial: Trial, rate: Double, _ view: PathView) {
    let from = trial.from
    let here = Level(poolSize: pool.size, rate: rate)
    if pool.size < min(from.poolSize, ShareRule.size), rate >= ShareRule.slower * from.rate {
      // Nobody took what the others left.
      shareNot(here, than: from.poolSize, view.now)
    } else if pool.size < from.poolSize {
      isStillFull(view) ? share(rate, view.now) : keepOwn(from, view.now)
    } else if rate >= ShareRule.gain * from.rate {
      // A line that was slow for a while gains as much by itself: the few are asked once more.
      isWorthFewer(rate, view) ? askTheFew(here, from.poolSize, view.now) : share(rate, view.now)
    } else if rate < ShareRule.slower * from.rate || !looksAgain(trial) {
      shareNot(Level(poolSize: from.poolSize, rate: rate), than: pool.size, view.now)
    }
  }

  private mutating func askTheFew(_ many: Level, _ few: Int, _ now: Moment) {
    let why = Reason.lookingForOthers(few)
    enter(.trying(Trial(belief: .others, from: many)), because: why)
    set(few, now: now, because: why)
  }

  /// Nobody else is on the line, or nobody who takes more than is left to him.
  private mutating func shareNot(_ here: Level, than other: Int, _ now: Moment) {
    climb.peak = here.rate
    proposals.fewerAt = now + ShareRule.pause
    hold(here, now, because: .sharesNot(other))
  }

  /// Nobody filled the line in place of those that were sent home: the rate that fell was their own.
  private mutating func keepOwn(_ from: Level, _ now: Moment) {
    climb.isProportional = true
    bounds.keep(from.poolSize, tooFew: pool.size, now: now)
    proposals.fewerAt = now
    hold(from, now, because: .sharesNotWithFewer(pool.size))
  }

  /// Whoever gets much more than its part has the line to itself again.
  mutating func watchShare(_ rate: Double, _ view: PathView) {
    let isKnown =
      view.now - sharing.since > ShareRule.known.seconds + ShareRule.known.trips * view.trip
    guard let share = sharing.share, isKnown else {
      sharing.share = max(sharing.share ?? 0, rate)
      return
    }
    if rate > ShareRule.alone * share {
      sharing.isSharing = false
      bounds.forgetFewer()
      climb.peak = rate
      return
    }
    sharing.share = share + ShareRule.learning * (rate - share)
  }
}
