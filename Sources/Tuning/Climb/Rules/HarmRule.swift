/// Harm: more workers were slower and no queue stands, so fewer are tried; if they are no faster, more did no
/// harm.
enum HarmRule {
  /// A pool is taken back when it is this much slower than the best smaller one.
  static let slower = 0.85
  /// What each request beyond an overloaded server's best takes of its rate: `1 / (1 + slope x excess)`.
  ///
  /// No server says it; twice or half as much moves the proposal by a quarter.
  static let slope = 0.05
  /// A size that brought this part of the most that one worker did is not overloaded.
  static let unharmed = 0.85
  /// The proposal is no more than this part of what did harm.
  static let most = 0.9
  /// Seconds, and round trips, that workers may be busy before they hand their segments back, once more were
  /// slower: until they are gone they do harm.
  static let leaving = (seconds: 0.1, trips: 1.0)
}

extension ClimbPolicy {
  /// The best level of this climb, where the last size is so much slower than it that it hurts.
  func better(than rate: Double, _ full: PullRecord.Limit?, _ view: PathView) -> Level? {
    let smaller = climb.levels.filter { $0.poolSize < pool.size }
    guard let best = smaller.max(by: { $0.rate < $1.rate }),
      rate < HarmRule.slower * best.rate, full == nil, !view.isBursty
    else { return nil }
    return best
  }

  /// Goes back, to find out whether fewer are faster: to the best size, or where that one brought its full
  /// part, between the two.
  mutating func suspectHarm(_ best: Level, rate: Double, _ now: Moment) {
    limit = .overload
    bounds.forbid(from: pool.size, now: now)
    let from = Level(poolSize: pool.size, rate: rate)
    let why = Reason.harmed(pool.size, percent: whole(100 * (1 - rate / best.rate)))
    climb.isFlat = true
    enter(.trying(Trial(belief: .harm, from: from)), because: why)
    set(max(best.poolSize, turningPoint(after: best, rate: rate)), now: now, because: why)
  }

  /// Where a server's throughput turned on the way from a size that it was not overloaded by; 1: that size
  /// may have been too large itself.
  private func turningPoint(after best: Level, rate: Double) -> Int {
    let isSmallest = !climb.levels.contains { $0.poolSize < best.poolSize }
    guard !isSmallest, best.each > HarmRule.unharmed * (climb.freeSingle ?? .infinity) else {
      return 1
    }
    let most = whole(HarmRule.most * Double(pool.size))
    return min(most, turningPoint(rate: rate, single: best.each))
  }

  /// The size at which a server that slows down beyond its best would have turned, for the present one to
  /// bring `rate`.
  ///
  /// - Parameter single: what one worker brings below it.
  func turningPoint(rate: Double, single: Double) -> Int {
    let workers = rate / single
    let slope = HarmRule.slope
    return whole(workers * (1 + slope * Double(pool.size)) / (1 + slope * workers))
  }

  /// Fewer workers were no faster, so more were not to blame: something else had changed.
  mutating func withdrawHarm(rate: Double, _ now: Moment) {
    bounds.acquit()
    limit = nil
    climbAgain(Level(poolSize: pool.size, rate: rate), now, because: .acquitted)
  }
}
