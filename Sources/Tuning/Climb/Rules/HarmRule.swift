/// Harm: more workers were slower and no queue stands, so back; if that does not help, they did no harm.
enum HarmRule {
  /// A pool is taken back when it is this much slower than the best smaller one.
  static let slower = 0.8
  /// Fewer workers are faster when they bring this much more: the next descent need not wait.
  static let faster = 1.03
}

extension ClimbPolicy {
  /// The best level of this climb, where the last size is so much slower than it that it hurts.
  func better(than rate: Double, _ full: PullRecord.Limit?, _ view: PathView) -> Level? {
    guard let best = climb.levels.dropLast().max(by: { $0.rate < $1.rate }),
      rate < HarmRule.slower * best.rate, full == nil, !view.isBursty,
      view.queue.peak(since: view.landedAt) < view.queue.threshold
    else { return nil }
    return best
  }

  /// Goes back, to find out whether fewer are faster.
  mutating func harm(_ best: Level, rate: Double, _ now: Moment) {
    let suspicion = Hold.Suspicion(best: best, ceiling: bounds.ceiling)
    limit = .overload
    bounds.ceiling = max(1, min(bounds.ceiling, pool.size - 1))
    bounds.isHarmed = true
    let loss = whole(100 * (1 - rate / best.rate))
    hold(
      best, now, because: .harmed(pool.size, percent: loss), descendAt: now, suspicion: suspicion)
  }

  /// Whether fewer workers were no faster.
  func isAcquitted(_ suspicion: Hold.Suspicion, rate: Double) -> Bool {
    rate < HarmRule.slower * suspicion.best.rate
  }

  /// Fewer workers were no faster, so more were not to blame: something else had changed.
  mutating func acquit(_ suspicion: Hold.Suspicion, rate: Double, _ now: Moment) {
    bounds.ceiling = suspicion.ceiling
    bounds.isHarmed = false
    limit = nil
    climbAgain(Level(poolSize: pool.size, rate: rate), now, because: .acquitted)
  }

  /// What came in bursts was never slower: it was a look between two of them.
  mutating func acquitByBursts(_ sample: Sample) {
    guard case .holding(let hold) = phase, let suspicion = hold.suspicion, senses.bursts.areSeen,
      let rate = senses.rates.rate(since: pool.changedAt)
    else { return }
    acquit(suspicion, rate: rate, sample.now)
  }
}
