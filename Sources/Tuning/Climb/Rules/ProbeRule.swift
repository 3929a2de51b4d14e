/// Probe: from time to time, look at a larger size.
enum ProbeRule {
  /// Seconds of a hold before the first probe.
  static let shortPatience = 0.6
  /// What comes after a probe that failed is twice as long, up to this.
  static let longPatience = 24.0
  /// A first probe doubles; later ones, after more than so many seconds, add a half.
  static let boldPatience = 1.0
  /// Looking begins after this part of the time that throughput needs, and lasts until this.
  static let skipped = 0.7
  static let looked = 1.5
  /// A gain of this, or of this share of a proportional one, is worth it.
  static let leastGain = 0.03
  static let gainShare = 0.4
  /// A loss of this is harm.
  static let loss = 0.1
}

extension ClimbPolicy {
  mutating func probe(_ level: Level, _ now: Moment) {
    enter(.probing(from: level), because: .trying)
    let more = patience > ProbeRule.boldPatience ? max(2, pool.size / 2) : pool.size
    set(min(bounds.ceiling, pool.size + more), now: now, because: .trying)
  }

  mutating func judge(_ view: PathView, from: Level) {
    guard view.since >= ProbeRule.looked * view.judgingSeconds,
      let rate = view.rates.rate(since: view.landedAt + ProbeRule.skipped * view.judgingSeconds)
    else { return }
    let here = Level(poolSize: pool.size, rate: rate)
    if let full = view.fullness(since: view.landedAt) {
      limit = full
      hold(here, view.now, because: .probeFilled(from: from.poolSize, to: pool.size, full))
      return
    }
    let gain = rate / from.rate - 1
    let growth = Double(pool.size) / Double(from.poolSize) - 1
    let percent = whole(100 * gain)
    if gain >= max(ProbeRule.leastGain, ProbeRule.gainShare * growth) {
      patience = ProbeRule.shortPatience
      climb.levels = [from]
      enter(
        .growing, because: .probeGained(from: from.poolSize, to: pool.size, percent: percent))
    } else if gain < -ProbeRule.loss {
      bounds.ceiling = max(1, pool.size - 1)
      hold(from, view.now, because: .probeHurt(pool.size, percent: percent))
    } else {
      patience = min(ProbeRule.longPatience, 2 * max(1, patience))
      hold(from, view.now, because: .probeInVain(pool.size, percent: percent))
    }
  }
}
