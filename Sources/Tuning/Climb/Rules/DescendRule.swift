/// Descend: a line that stays full needs no more workers than keep it full.
enum DescendRule {
  /// Never fewer than this.
  static let fewest = 2
  /// A descent that brings less than this part of the rate before was too much.
  static let tooFew = 0.975
  /// Below this part of the highest rate of late, something else is wrong: no descent.
  static let nearPeak = 0.93
  /// Seconds, and round trips, that must be left for a descent.
  static let left = (seconds: 6.0, trips: 20.0)
  /// Seconds left from which a pull is long: a line idle for a moment costs little beside workers spared.
  static let longSeconds = 20.0
  /// Seconds left below which a queue that comes and goes is no reason.
  static let shortSeconds = 8.0
  /// Workers that bring less than this much more than the line, each at its own best, are all needed.
  static let needed = 1.3
  /// Part of the workers that stays, at least, where a queue comes and goes: in long pulls and in others.
  static let longStep = 0.8
  static let step = 0.9
  /// What is in flight beyond the idle line's share only queues; so much more than that stays.
  static let room = 1.15
  /// Bounds of the part that stays where a queue stands: the deepest step, and the least one.
  static let deepest = 0.4
  static let longLeast = 0.75
  static let least = 0.9
  /// Workers beyond the knee that stay: throttled ones do not take over what another leaves.
  static let kneeRoom = 1.05
  /// Seconds, and round trips, from one descent to the next.
  static let pause = (seconds: 1.0, trips: 8.0)
}

extension ClimbPolicy {
  mutating func descend(_ hold: Hold, rate: Double, since: Moment, _ view: PathView) {
    if !sharing.isSharing { bounds.dropFloor(at: view.now) }
    guard view.now >= hold.descendAt, pool.size > max(DescendRule.fewest, bounds.floor) else {
      return
    }
    let least = view.queue.floor(since: since) ?? 0
    let stands = least > view.queue.threshold
    // While a queue stands the line is full whoever sends: a rate that falls then goes to others.
    let yields = stands && pool.size > ShareRule.size
    guard rate >= DescendRule.nearPeak * climb.peak || bounds.isHarmed || yields else { return }
    let left = Double(view.sample.bytesLeft) / max(rate, 1)
    guard left > DescendRule.left.seconds + DescendRule.left.trips * view.trip else { return }
    guard let target = descentTarget(left: left, queue: stands ? least : nil, rate: rate, view)
    else { return }
    var next = hold
    next.descended = Level(poolSize: pool.size, rate: rate)
    next.reference = Level(poolSize: pool.size, rate: rate)
    next.since = view.now
    next.descendAt =
      view.now + max(DescendRule.pause.seconds, DescendRule.pause.trips * view.trip)
    climb.sizeBefore = pool.size
    let why = bounds.isHarmed ? Reason.fewerMayBeFaster : .fewerWillDo
    enter(.holding(next), because: why)
    set(target, now: view.now, because: why)
  }

  /// How many stay; nil: nothing is to be gained.
  ///
  /// - Parameters:
  ///   - left: seconds to the end.
  ///   - queue: seconds of a queue that never empties; nil: it does.
  private func descentTarget(
    left: Double, queue: Double?, rate: Double, _ view: PathView
  ) -> Int? {
    let size = Double(pool.size)
    let areNeeded = climb.freeSingle.map { size * $0 < DescendRule.needed * rate } ?? false
    let isLong = left > DescendRule.longSeconds && !areNeeded
    var target = size * (bounds.isHarmed || isLong ? DescendRule.longStep : DescendRule.step)
    if let queue {
      let share = DescendRule.room * view.trip / (view.trip + queue)
      let least = isLong ? DescendRule.longLeast : DescendRule.least
      let needed = size * max(DescendRule.deepest, min(least, share))
      let knee = climb.freeSingle.map { DescendRule.kneeRoom * rate / $0 } ?? 0
      target = max(needed, min(target, knee))
    } else if left < DescendRule.shortSeconds, !bounds.isHarmed {
      return nil
    }
    return max(DescendRule.fewest, bounds.floor, min(pool.size - 1, whole(target)))
  }

  /// Judges the last descent, once; true where it was taken back.
  mutating func judgeDescent(
    _ hold: inout Hold, rate: Double, since: Moment, _ view: PathView
  ) -> Bool {
    guard let before = hold.descended else { return false }
    hold.descended = nil
    guard isTooFew(before, rate: rate, since: since, view) else {
      if bounds.isHarmed, rate > HarmRule.faster * before.rate { hold.descendAt = view.now }
      return false
    }
    // Where more hurt, the best lies somewhere between the two.
    bounds.raiseFloor(
      to: bounds.isHarmed ? min(before.poolSize, pool.size + 1) : before.poolSize,
      now: view.now, isTriedAgain: !bounds.isHarmed)
    let loss = whole(100 * (1 - rate / before.rate))
    self.hold(before, view.now, because: .tooFew(pool.size, percent: loss))
    return true
  }

  /// Whether a descent went too far: throughput is gone, and no queue says that the line is still full.
  private func isTooFew(
    _ before: Level, rate: Double, since: Moment, _ view: PathView
  ) -> Bool {
    if let least = view.queue.floor(since: since), least > view.queue.threshold { return false }
    return rate < DescendRule.tooFew * before.rate
  }
}
