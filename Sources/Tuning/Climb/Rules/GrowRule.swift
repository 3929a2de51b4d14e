/// Grow: more workers as long as nothing is full and each step brings its part.
enum GrowRule {
  /// Seconds of a look at what a size brings, at least; else a round trip.
  static let shortest = 0.05
  /// Seconds in which bursts show, so that what looks like a queue is none.
  static let burstsShow = 0.45
  /// A queue must last so long: the first packets of many connections come together and wait.
  static let lasting = (seconds: 0.15, trips: 3.0)
  /// What comes faster than the round trip before, by this factor, is slow start, which doubles: it
  /// says nothing yet.
  ///
  /// Less than that is senders who have left it, and now grow by a packet at a time: more of them are
  /// needed soon.
  static let slowStart = 1.5
  /// Slow start is over after this.
  static let slowStartEnds = (seconds: 0.2, trips: 8.0)
  /// Shares of a proportional gain from which the pool grows by a half, and by three.
  static let littleGain = 0.4
  static let proportional = 0.75
  static let first = 2.0
  static let careful = 1.5
  static let fast = 3.0
  /// Round trips that must be left for a larger pool: a connection takes three until its first byte and more
  /// until it is as fast as those that were there, and it takes its bytes from them.
  static let tripsLeft = 18.0
  /// Seconds that are enough for that on any path.
  static let secondsLeft = 3.6
  /// Just under one sampling interval: a window with the newest sample alone.
  static let moment = 0.6 * Sample.interval
  /// Seconds of what those that were there bring while newcomers are on their way: a busy machine counts the
  /// bytes of one sample in the next, and many servers send in bursts.
  static let meanwhile = 4 * Sample.interval
}

extension ClimbPolicy {
  mutating func grow(_ view: PathView) {
    let span = max(GrowRule.shortest, view.trip)
    guard view.since >= span, !settleWhereFull(view) else { return }
    if view.isBursty, pool.size < bounds.ceiling {
      growThroughGaps(view)
      return
    }
    guard let rate = view.rates.rate(since: view.now - span), rate > 0,
      let earlier = view.rates.rate(from: view.now - 2 * span, to: view.now - span)
    else { return }
    let ends = GrowRule.slowStartEnds
    if rate > GrowRule.slowStart * earlier, view.since < ends.trips * view.trip + ends.seconds {
      return
    }
    guard let factor = nextFactor(rate, view) else { return }
    step(by: factor, rate: rate, view)
  }

  /// What a size brings is seen once more while newcomers are on their way: the look that let it grow may
  /// have fallen into slow start, and against too little every larger pool seems a gain.
  mutating func lookOnceMore(_ view: PathView) {
    let look = max(GrowRule.meanwhile, view.trip)
    guard case .growing = phase, let last = climb.levels.last,
      view.sample.carrying <= last.poolSize,
      let rate = view.rates.rate(since: view.now - look), rate > last.rate
    else { return }
    climb.levels[climb.levels.count - 1].rate = rate
    climb.freeSingle = max(climb.freeSingle ?? 0, rate / Double(last.poolSize))
  }

  /// Ends growth where something is full; true where nothing more is to be decided now.
  private mutating func settleWhereFull(_ view: PathView) -> Bool {
    guard let full = view.fullness(since: view.landedAt) ?? pool.landing?.full, !view.isBursty
    else { return false }
    // Long enough to see whether bytes come in bursts: then what looks like a queue is none.
    pool.landing?.full = full
    guard view.since >= GrowRule.burstsShow else { return true }
    // And whether it lasts.
    let lately = max(GrowRule.lasting.seconds, GrowRule.lasting.trips * view.trip)
    if let still = view.fullness(since: max(view.landedAt, view.now - lately)) {
      limit = still
      enter(.settling, because: .filled(pool.size, still))
      return true
    }
    pool.landing?.full = nil
    return false
  }

  /// How much larger the next pool is; nil: the last step brought too little, or that is not known yet.
  private mutating func nextFactor(_ rate: Double, _ view: PathView) -> Double? {
    guard let before = climb.levels.last else { return GrowRule.first }
    let growth = Double(pool.size) / Double(before.poolSize) - 1
    let elasticity = (rate / before.rate - 1) / growth
    guard elasticity < GrowRule.littleGain else {
      return elasticity < GrowRule.proportional ? GrowRule.careful : GrowRule.fast
    }
    if view.since >= view.judgingSeconds {
      climb.isFlat = true
      enter(.settling, because: .littleMore(from: before.poolSize, to: pool.size))
    }
    return nil
  }

  private mutating func step(by factor: Double, rate: Double, _ view: PathView) {
    let needed = min(GrowRule.tripsLeft * view.trip, GrowRule.secondsLeft)
    let left = view.secondsLeft(rate)
    // The average does not show a queue that began a moment ago; near the end, what is wrongly added is
    // not made up for.
    if pool.size < bounds.ceiling, left > needed, left < 2 * needed,
      view.queue.stands(since: view.now - GrowRule.moment) ?? false
    {
      return
    }
    climb.levels.append(Level(poolSize: pool.size, rate: rate))
    climb.freeSingle = max(climb.freeSingle ?? 0, rate / Double(pool.size))
    guard pool.size < bounds.ceiling else {
      enter(.settling, because: bounds.top)
      return
    }
    guard left > needed else {
      enter(.settling, because: .tooLate)
      return
    }
    let size = whole((Double(pool.size) * factor).rounded(.up))
    set(min(bounds.ceiling, size), now: view.now, because: .room)
  }
}
