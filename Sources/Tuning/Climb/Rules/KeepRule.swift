/// Keep: look whether the size that is held is still right, and propose others.
enum KeepRule {
  /// Seconds of a hold before it is looked at.
  static let shortest = 0.5
  /// Seconds, and round trips, that a look takes in.
  static let look = (seconds: 1.0, trips: 6.0)
  /// What the highest rate is forgotten by, a sample.
  static let fading = 0.999
  /// A rate above or below the reference by these factors is another path's.
  static let faster = 1.25
  static let slower = 0.8
  /// Seconds until more are tried on a line that seems full.
  static let fullPatience = 30.0
  /// Seconds of a hold before a change of rate counts; what is still changing, as after slow start on a lossy
  /// line, is nothing to compare fewer with.
  static let changing = 1.0
}

extension ClimbPolicy {
  mutating func keep(_ hold: Hold, _ view: PathView) {
    let start = max(view.landedAt, max(hold.since, senses.limitedAt ?? .zero))
    guard view.now - start >= max(KeepRule.shortest, view.judgingSeconds) else { return }
    let look = max(KeepRule.look.seconds, KeepRule.look.trips * view.trip)
    let since = max(start, view.now - look)
    guard let rate = view.rates.rate(since: since) else { return }
    climb.peak = max(rate, climb.peak * KeepRule.fading)
    if asksForMore(view.now) { return }
    if view.isBursty, pool.size < bounds.ceiling {
      enter(.growing, because: reason)
      return
    }
    // What earlier pulls say of harm was true of a path as fast as it was.
    if bounds.isRemembered, rate < KeepRule.slower * hold.rate { bounds.acquit() }
    if sharing.isSharing { watchShare(rate, view) }
    if let full = view.fullness(since: since) {
      limit = full
      if full == .line, standGround(rate: rate, view) { return }
      if tryFewer(.full(full), rate: rate, since: since, view) { return }
      // What looks like a queue may be a path that has become longer, or bytes that come together.
      if full == .line, !sharing.isSharing {
        if !climb.isProportional {
          proposals.patience = max(proposals.patience, KeepRule.fullPatience)
        }
        tryMore(hold, rate: rate, view, belief: .longer)
      }
      return
    }
    if hasChanged(hold, rate: rate, view) {
      climbAgain(Level(poolSize: pool.size, rate: rate), view.now, because: .pathChanged)
      return
    }
    let isSettled = bounds.harmWasSeen || view.now - hold.since > KeepRule.changing
    if climb.isFlat, isSettled, tryFewer(.flat, rate: rate, since: since, view) { return }
    tryMore(hold, rate: rate, view)
  }

  private func hasChanged(_ hold: Hold, rate: Double, _ view: PathView) -> Bool {
    let isFaster = rate > KeepRule.faster * hold.rate && !bounds.wasHarmful
    return (isFaster || rate < KeepRule.slower * hold.rate)
      && view.now - hold.since > KeepRule.changing
  }
}
