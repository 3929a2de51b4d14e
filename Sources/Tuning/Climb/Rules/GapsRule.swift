/// Gaps: a server that counts by the second leaves the line idle between its bursts, so there is room,
/// whatever throughput says from one moment to the next.
enum GapsRule {
  /// Seconds, and round trips, between steps.
  static let step = (seconds: 0.5, trips: 2.0)
}

extension ClimbPolicy {
  /// Forgets what was found until gaps were seen: every look was shorter than what the server counts by.
  ///
  /// Between two bursts 12 workers looked 87 % slower than 8, and were then not to be had for 40 s.
  mutating func startOverThroughGaps() {
    climb = Climb()
    proposals = Proposals()
    limit = nil
    bounds.acquit()
    bounds.forgetFewer()
    enter(.growing, because: reason)
  }

  mutating func growThroughGaps(_ view: PathView) {
    climb.levels = []
    climb.freeSingle = nil
    let step = GapsRule.step
    guard view.since >= max(step.seconds, step.trips * view.trip) else { return }
    let size = whole(Double(pool.size) * view.senses.bursts.room)
    set(min(bounds.ceiling, size), now: view.now, because: .bursts)
  }
}
