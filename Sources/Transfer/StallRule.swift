/// Decides whether a transfer has stalled: less than a minimum rate for longer than allowed.
///
/// Bytes that trickle in must not pass for progress (containerd#11650), so the rule asks for a rate,
/// not for a byte. Time is seconds on a clock that stands still while this machine itself holds the
/// transfer up (a blocked disk write, a rate limit).
package struct StallRule: Sendable, Equatable {
  /// Bytes per second that count as progress.
  package let minimumRate: Double
  /// Seconds below it after which the transfer has stalled.
  package let timeout: Double

  private var windowStart: Double
  private var windowBytes: Int64 = 0
  private var lastHealthy: Double
  /// Seconds over which the rate is judged.
  private static let window = 1.0

  /// Makes a rule for a transfer that starts now.
  ///
  /// - Parameters:
  ///   - minimumRate: bytes per second that count as progress, at least 1.
  ///   - timeout: seconds.
  ///   - now: the transfer's clock, in seconds.
  package init(minimumRate: Double, timeout: Double, now: Double) {
    self.minimumRate = max(1, minimumRate)
    self.timeout = timeout
    windowStart = now
    lastHealthy = now
  }

  /// Takes a reading; call it a few times a second.
  ///
  /// - Parameters:
  ///   - bytes: bytes received since the transfer's start.
  ///   - now: the transfer's clock, in seconds.
  /// - Returns: true when the transfer has stalled.
  package mutating func isStalled(bytes: Int64, now: Double) -> Bool {
    let elapsed = now - windowStart
    guard elapsed >= Self.window else { return false }
    if Double(bytes - windowBytes) >= minimumRate * elapsed { lastHealthy = now }
    windowStart = now
    windowBytes = bytes
    return now - lastHealthy >= timeout
  }
}
