/// Decides whether a transfer has stalled: less than a minimum rate for longer than allowed.
///
/// Bytes that trickle in must not pass for progress (containerd#11650), so the rule asks for a rate,
/// not for a byte. What is small has a limit in all besides: at a rate that a blob may have, a page
/// without an end would last for hours. Time is seconds on a clock that stands still while this
/// machine itself holds the transfer up (a blocked disk write, a rate limit).
package struct StallRule: Sendable, Equatable {
  /// Bytes per second that count as progress.
  package let minimumRate: Double
  /// Seconds below it after which the transfer has stalled.
  package let timeout: Double

  /// Seconds after which it has stalled, however much comes.
  package let limit: Double

  /// Whether its limit is over.
  package private(set) var isTooLong = false

  private let start: Double
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
  ///   - limit: seconds in all.
  ///   - now: the transfer's clock, in seconds.
  package init(minimumRate: Double, timeout: Double, limit: Double = .infinity, now: Double) {
    self.minimumRate = max(1, minimumRate)
    self.timeout = timeout
    self.limit = limit
    start = now
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
    isTooLong = now - start >= limit
    return isTooLong || now - lastHealthy >= timeout
  }
}
