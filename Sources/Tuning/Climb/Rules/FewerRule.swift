/// Fewer: a line that stays full needs no more workers than keep it full, nor does one that the last
/// workers brought nothing to.
///
/// It only proposes; throughput at the smaller size decides.
enum FewerRule {
  /// Never fewer than this.
  static let fewest = 2
  /// Seconds, and round trips, that must be left for it to be worth anything.
  static let left = (seconds: 5.0, trips: 20.0)
  /// The same where more were slower in this pull: fewer may then be much faster.
  static let leftAfterHarm = (seconds: 1.5, trips: 10.0)
  /// Seconds left below which a queue that comes and goes is no reason.
  static let shortSeconds = 8.0
  /// Workers that bring less than this much more than the line, each at its own best, are all needed.
  static let needed = 1.3
  /// Part of the workers that stays where a queue comes and goes.
  static let step = 0.8
  /// What is in flight beyond the idle line's share only queues; so much more than that stays.
  static let room = 1.15
  /// Bounds of the part that stays where a queue stands.
  static let deepest = 0.5
  static let least = 0.85
  /// Workers beyond the knee that stay: throttled ones do not take over what another leaves.
  static let kneeRoom = 1.1
  /// Part that stays where this machine is full, where more were seen to hurt, and where nothing is full.
  static let machine = 0.7
  static let harmed = 0.7
  static let flat = 0.6
  /// Seconds, and round trips, from one descent to the next.
  static let pause = (seconds: 0.5, trips: 8.0)
}

extension ClimbPolicy {
  /// Proposes a smaller pool where it is due; true where one is tried now.
  mutating func tryFewer(
    _ belief: Trial.Belief, rate: Double, since: Moment, _ view: PathView
  ) -> Bool {
    guard view.now >= proposals.fewerAt, pool.size > max(FewerRule.fewest, bounds.floor) else {
      return false
    }
    guard isWorthFewer(rate, view),
      let target = fewer(
        belief, left: view.secondsLeft(max(rate, 1)), rate: rate, since: since, view)
    else { return false }
    // All that this size has brought since work ran out last: against a moment that was fast by chance
    // every smaller pool is slower.
    let held = view.rates.rate(since: max(view.landedAt, senses.limitedAt ?? .zero)) ?? rate
    enter(
      .trying(Trial(belief: belief, from: Level(poolSize: pool.size, rate: held))),
      because: belief.proposal)
    set(target, now: view.now, because: belief.proposal)
    return true
  }

  /// Whether enough is left for a look at fewer to be worth anything.
  func isWorthFewer(_ rate: Double, _ view: PathView) -> Bool {
    let left = bounds.harmWasSeen ? FewerRule.leftAfterHarm : FewerRule.left
    return view.secondsLeft(max(rate, 1)) > left.seconds + left.trips * view.trip
  }

  /// How many stay; nil: nothing is to be gained.
  private func fewer(
    _ belief: Trial.Belief, left: Double, rate: Double, since: Moment, _ view: PathView
  ) -> Int? {
    let size = Double(pool.size)
    let knee = climb.freeSingle.map { FewerRule.kneeRoom * rate / $0 } ?? 0
    let target: Double
    switch belief {
    case .full(.line):
      let queue = view.queue.floor(since: since) ?? 0
      if queue > view.queue.threshold {
        let share = FewerRule.room * view.trip / (view.trip + queue)
        let part = max(FewerRule.deepest, min(FewerRule.least, share))
        target = max(size * part, min(size * FewerRule.step, knee))
      } else {
        let areNeeded = climb.freeSingle.map { size * $0 < FewerRule.needed * rate } ?? false
        guard left > FewerRule.shortSeconds, !areNeeded else { return nil }
        target = size * FewerRule.step
      }
    case .full: target = size * FewerRule.machine
    case .flat where bounds.harmful != nil: target = size * FewerRule.harmed
    case .flat, .harm: target = max(size * FewerRule.flat, min(size * FewerRule.step, knee))
    case .room, .longer, .others: return nil
    }
    // Halfway to what was too few: each look then costs less than the one before.
    let halfway = bounds.tooFew.map { $0 < pool.size ? (pool.size + $0 + 1) / 2 : 1 } ?? 1
    let fewer = max(FewerRule.fewest, bounds.floor, halfway, whole(target))
    return fewer < pool.size ? fewer : nil
  }
}
