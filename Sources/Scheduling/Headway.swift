import Tuning

/// Tells progress from a trickle: bytes count once they came at a minimum rate since progress was last made.
///
/// A server that sends a byte for each request, or a byte a second, would else pass for one that is
/// alive for days.
struct Headway: Sendable, Equatable {
  /// When progress was last made.
  private(set) var lastAt: Moment
  /// Bytes since then.
  private var bytes = 0.0

  /// After so many seconds without progress the rest of the wait was something else: a pause that
  /// was asked for.
  private static let longestLook = 30.0

  /// - Parameter now: from when on progress is looked for.
  init(from now: Moment = .zero) { lastAt = now }

  /// Notes bytes that came.
  ///
  /// - Parameters:
  ///   - gained: how many.
  ///   - now: when.
  ///   - minimumRate: bytes per second that count as progress.
  /// - Returns: true where they are progress, together with those before them.
  mutating func note(_ gained: Int64, at now: Moment, minimumRate: Double) -> Bool {
    bytes += Double(gained)
    guard bytes >= minimumRate * min(now - lastAt, Self.longestLook) else { return false }
    lastAt = now
    bytes = 0
    return true
  }
}
