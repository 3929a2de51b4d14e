/// Settle: wait until throughput stops growing, then go to the knee of what was seen.
enum SettleRule {
  /// A window this much faster than the one before it is slow start.
  static let slowStart = 1.1
  /// Slow start is over after this.
  static let slowStartEnds = (seconds: 3.0, trips: 20.0)
  /// Workers beyond the knee: they fill the gaps between requests.
  static let kneeRoom = 1.2
  /// A knee that is not below this part of the pool is not worth a step.
  static let worthwhile = 0.8
  /// Seconds left for which workers too many cost less than workers too few.
  static let shortSeconds = 4.0
  /// A known path that brings less than this part of what it brought has become another.
  static let knownShare = 0.8
  /// Seconds to the first trial on a known path.
  static let knownPatience = 6.0
  /// Seconds until fewer than are known to be enough are tried.
  static let knownFloor = 20.0
}

extension ClimbPolicy {
  mutating func settle(_ view: PathView) {
    if view.isBursty, pool.size < bounds.ceiling {
      enter(.growing, because: reason)
      return
    }
    let window = view.judgingSeconds
    guard view.since >= 2 * window else { return }
    let middle = view.now - window
    guard let late = view.rates.rate(since: middle),
      let early = view.rates.rate(from: middle - window, to: middle), late > 0
    else { return }
    let ends = SettleRule.slowStartEnds
    if late > SettleRule.slowStart * early, view.since < ends.seconds + ends.trips * view.trip {
      return
    }
    let full = view.fullness(since: middle)
    limit = full ?? .perConnection
    climb.levels.append(Level(poolSize: pool.size, rate: late))
    climb.peak = late
    if let best = better(than: late, full, view) {
      suspectHarm(best, rate: late, view.now)
      return
    }
    if let known {
      settleKnown(known, late, full, view)
      return
    }
    let here = Level(poolSize: pool.size, rate: late)
    guard !view.isBursty else {
      hold(here, view.now, because: .settledBursts)
      return
    }
    let knee = self.knee(late, isOpen: full == nil)
    // Without a queue that stands all the time, the line may need all of them.
    let isSteady = full != .line || view.queue.floor(since: middle) ?? 0 > view.queue.threshold
    let isShort = Double(view.sample.bytesLeft) < SettleRule.shortSeconds * late
    let most = whole((SettleRule.worthwhile * Double(pool.size)).rounded(.down))
    if knee < most, isSteady, !isShort {
      climb.isFlat = true
      enter(
        .trying(Trial(belief: full.map { .full($0) } ?? .flat, from: here)), because: .knee(knee))
      set(knee, now: view.now, because: .knee(knee))
    } else {
      hold(here, view.now, because: .settled)
    }
  }

  /// About as many workers as bring the best rate of this climb, each at the best that one had.
  ///
  /// A rate that is lower now, at an overloaded server or between two bursts, is not what is to be brought.
  /// Where nothing is seen to be full, a server may have brought more on the way here: then as many as
  /// that would have been.
  func knee(_ rate: Double, isOpen: Bool = false) -> Int {
    let most = max(rate, climb.levels.map(\.rate).max() ?? rate)
    let single = climb.levels.map(\.each).max() ?? rate
    let size = whole((SettleRule.kneeRoom * most / single).rounded(.up))
    let turned = isOpen && climb.levels.count > 1 ? turningPoint(rate: rate, single: single) : 1
    return max(1, min(bounds.ceiling, max(size, turned)))
  }

  /// A path that is known needs no search, unless it has become another.
  private mutating func settleKnown(
    _ known: KnownPath, _ rate: Double, _ full: PullRecord.Limit?, _ view: PathView
  ) {
    let here = Level(poolSize: pool.size, rate: rate)
    guard rate > SettleRule.knownShare * known.rate || full != nil else {
      climbAgain(here, view.now, because: .slowerThanKnown)
      return
    }
    proposals.patience = SettleRule.knownPatience
    let enough = min(pool.size, known.poolSize)
    // What was full must be so now, where that is seen; a server's limit for all shows in nothing.
    let isFilled = full != nil || prior?.limitedBy == .server
    guard let fewer = known.untried, fewer < enough, isFilled, isWorthFewer(rate, view) else {
      bounds.keep(enough, now: view.now, patience: SettleRule.knownFloor)
      hold(here, view.now, because: .asKnown)
      return
    }
    bounds.keep(fewer, now: view.now, patience: SettleRule.knownFloor)
    let why = Reason.tryingUntried(fewer)
    enter(.trying(Trial(belief: full.map { .full($0) } ?? .flat, from: here)), because: why)
    set(fewer, now: view.now, because: why)
  }
}
