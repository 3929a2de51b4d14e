import Transfer

/// Looks whether another process that fetches a blob gets on: whoever brings less than a minimum
/// rate for the whole time limit does not.
struct Patience {
  private let start = ContinuousClock.now
  private var rule: StallRule
  private var bytes: Int64
  private let first: Int64

  /// - Parameters:
  ///   - bytes: what the other has now.
  ///   - limits: the time limit, and the rate that counts.
  init(bytes: Int64, _ limits: Downloads.Limits) {
    self.bytes = bytes
    first = bytes
    rule = StallRule(minimumRate: limits.minimumRate, timeout: limits.stallTimeout, now: 0)
  }

  /// Takes in what the other has now.
  ///
  /// - Returns: how much that is more than before, and whether it is to be waited for no longer.
  mutating func look(_ now: Int64) -> (gained: Int64, isOver: Bool) {
    let gained = max(0, now - bytes)
    bytes = max(bytes, now)
    let isOver = rule.isStalled(bytes: bytes - first, now: start.duration(to: .now) / .seconds(1))
    return (gained, isOver)
  }
}
