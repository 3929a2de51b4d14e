/// Keep: look whether the size that is held is still right.
enum KeepRule {
  /// Seconds of a hold before it is looked at.
  static let shortest = 0.5
  /// Seconds, and round trips, that a look takes in; where bytes come in bursts, whole seconds.
  static let look = (seconds: 1.0, bursty: 2.0, trips: 6.0)
  /// What the highest rate is forgotten by, a sample.
  static let fading = 0.998
  /// A rate above or below the reference by these factors is another path's.
  static let faster = 1.25
  static let slower = 0.8
  /// Seconds of a hold before a change of rate counts.
  static let changing = 1.0
  /// Seconds to the first probe after a descent that left the line idle at times.
  static let idlePatience = 12.0
}

extension ClimbPolicy {
  mutating func keep(_ hold: Hold, _ view: PathView) {
    let start = max(view.landedAt, max(hold.since, senses.limitedAt ?? .zero))
    guard view.now - start >= max(KeepRule.shortest, view.judgingSeconds) else { return }
    let look = view.isBursty ? KeepRule.look.bursty : KeepRule.look.seconds
    let since = max(start, view.now - max(look, KeepRule.look.trips * view.trip))
    guard let rate = view.rates.rate(since: since) else { return }
    climb.peak = max(rate, climb.peak * KeepRule.fading)
    askForMore(view.now)
    var hold = hold
    if let suspicion = hold.suspicion {
      hold.suspicion = nil
      if isAcquitted(suspicion, rate: rate) {
        acquit(suspicion, rate: rate, view.now)
        return
      }
    }
    phase = .holding(hold)
    if view.isBursty, pool.size < bounds.ceiling, !bounds.isHarmed {
      enter(.growing, because: reason)
      return
    }
    let packets = view.packetsEach(rate, of: pool.size)
    if yields(hold, packets: packets, rate: rate, view) { return }
    if sharing.isSharing { watchShare(rate, hold, view) }
    if judgeDescent(&hold, rate: rate, since: since, view) { return }
    phase = .holding(hold)
    if bounds.isHarmed {
      descend(hold, rate: rate, since: since, view)
      return
    }
    if let full = view.fullness(since: since) {
      limit = full
      if full == .line, standGround(rate: rate, view.now) { return }
      descend(hold, rate: rate, since: since, view)
      return
    }
    // Whoever came first to a line that is shared must not run away from those who come later.
    guard packets >= ShareRule.smallWindow || pool.size < ShareRule.size else { return }
    seekRoom(hold, rate: rate, view)
  }

  /// No queue stands, and this machine is not busy: there may be room for more workers.
  private mutating func seekRoom(_ hold: Hold, rate: Double, _ view: PathView) {
    let here = Level(poolSize: pool.size, rate: rate)
    let known = hold.reference.rate
    if rate > KeepRule.faster * known || rate < KeepRule.slower * known,
      view.now - hold.since > KeepRule.changing
    {
      climbAgain(here, view.now, because: .pathChanged)
      return
    }
    if let before = climb.sizeBefore, before > pool.size {
      climb.sizeBefore = nil
      bounds.floor = before
      patience = KeepRule.idlePatience
      self.hold(
        Level(poolSize: before, rate: rate), view.now, because: .idleAtTimes(pool.size))
      return
    }
    guard view.now - hold.since >= patience, pool.size < bounds.ceiling, !bounds.isHarmed
    else { return }
    probe(here, view.now)
  }
}
