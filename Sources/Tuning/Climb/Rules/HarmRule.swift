/// Harm: more workers were slower and no queue stands, so fewer are tried; if they are no faster, more did no
/// harm.
enum HarmRule {
  /// A pool is taken back when it is this much slower than the best smaller one.
  static let slower = 0.85
}

extension ClimbPolicy {
  /// The best level of this climb, where the last size is so much slower than it that it hurts.
  func better(than rate: Double, _ full: PullRecord.Limit?, _ view: PathView) -> Level? {
    let smaller = climb.levels.filter { $0.poolSize < pool.size }
    guard let best = smaller.max(by: { $0.rate < $1.rate }),
      rate < HarmRule.slower * best.rate, full == nil, !view.isBursty,
      view.queue.peak(since: view.landedAt) < view.queue.threshold
    else { return nil }
    return best
  }

  /// Goes back, to find out whether fewer are faster.
  mutating func suspectHarm(_ best: Level, rate: Double, _ now: Moment) {
    limit = .overload
    bounds.forbid(from: pool.size, now: now)
    let from = Level(poolSize: pool.size, rate: rate)
    let why = Reason.harmed(pool.size, percent: whole(100 * (1 - rate / best.rate)))
    climb.isFlat = true
    enter(.trying(Trial(belief: .harm, from: from)), because: why)
    set(best.poolSize, now: now, because: why)
  }

  /// Fewer workers were no faster, so more were not to blame: something else had changed.
  mutating func withdrawHarm(rate: Double, _ now: Moment) {
    bounds.acquit()
    limit = nil
    climbAgain(Level(poolSize: pool.size, rate: rate), now, because: .acquitted)
  }

  /// What came in bursts was never slower: it was a look between two of them.
  mutating func acquitByBursts(_ sample: Sample) {
    guard case .trying(let trial) = phase, case .harm = trial.belief, senses.bursts.areSeen,
      let rate = senses.rates.rate(since: pool.changedAt)
    else { return }
    withdrawHarm(rate: rate, sample.now)
  }
}
