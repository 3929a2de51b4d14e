import Tuning

/// Sees to it that a path which waits says so, and that one for which nothing will come any more ends.
struct PathWatch: Sendable {
  /// What the downloads over a path look like from outside.
  struct Look: Sendable, Equatable {
    /// Whether something is under way whose end will be heard of: a request, a check, another process.
    var isBusy: Bool
    /// Seconds until something is asked for again; nil: nothing is pending.
    var dueIn: Double?
  }

  /// Seconds for which nothing was under way and nothing was due.
  private var idleSince: Moment?
  private var saidUntil = Moment.zero

  /// After so many seconds of nothing, nothing will come: what was on its way here has arrived.
  private static let patience = 5.0

  /// - Returns: true where nothing is under way or due, and has not been for a while.
  mutating func isOver(_ look: Look, now: Moment) -> Bool {
    guard !look.isBusy, look.dueIn == nil else {
      idleSince = nil
      return false
    }
    let since = idleSince ?? now
    idleSince = since
    return now - since >= Self.patience
  }

  /// Whether a wait is worth a line: longer than a second, and not part of one that was told.
  ///
  /// - Parameters:
  ///   - until: when it ends.
  ///   - now: now.
  /// - Returns: its seconds.
  mutating func wait(until: Moment, now: Moment) -> Double? {
    let seconds = until - now
    guard seconds > 1, until - saidUntil > 1 else { return nil }
    saidUntil = until
    return seconds
  }
}
