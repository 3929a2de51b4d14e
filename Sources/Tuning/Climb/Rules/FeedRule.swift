/// Feed: no more workers than there is work for.
///
/// Where everything left is in somebody's hands, more workers than hands only hide what those bring.
enum FeedRule {
  /// Seconds, and round trips, that must be left for it to matter.
  static let left = (seconds: 2.0, trips: 12.0)
}

extension ClimbPolicy {
  /// Makes the pool as small as those at work; true where nothing else is to be decided now.
  mutating func leavesIdleOnes(_ view: PathView) -> Bool {
    guard view.sample.appLimit == .nothingLeft else { return false }
    guard view.since >= view.judgingSeconds,
      let rate = view.rates.rate(since: view.now - view.judgingSeconds),
      view.secondsLeft(max(rate, 1)) > FeedRule.left.seconds + FeedRule.left.trips * view.trip,
      view.sample.open < pool.size
    else { return true }
    climb.isFlat = true
    proposals.patience = max(proposals.patience, MoreRule.settledPatience)
    hold(
      Level(poolSize: max(1, view.sample.open), rate: rate), view.now,
      because: .fed(view.sample.open))
    return true
  }
}
