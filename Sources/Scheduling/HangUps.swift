import Tuning

/// Tells a server that hangs up on those whom it does not want to serve from a line that breaks.
///
/// Some serve so many requests at once, and reset or close the connections of all others in place of
/// a status. Such requests end before the head of their answer, in a row, while those that are
/// served go on. On a bad line connections break wherever they are: there as many again are needed
/// after each that broke in the middle. Where nothing comes at all, nobody is served.
struct HangUps: Sendable, Equatable {
  /// So many in a row, without a head between, that chance is no explanation.
  private static let most = 4
  /// Seconds without any that end a spell of them.
  private static let quiet = 15.0

  /// How many in a row; less than none after a connection that broke in the middle.
  private var count = 0
  /// Whether they are the server's way to refuse in this spell: then each counts.
  private var isKnown = false
  /// When the first one of this spell was, and the last.
  private var firstAt: Moment?
  private var lastAt: Moment?

  /// A request ended before any answer.
  ///
  /// - Parameters:
  ///   - now: when.
  ///   - progress: when bytes came for the last time.
  ///   - others: requests that are still under way.
  /// - Returns: whether that is the server's way to refuse it.
  mutating func note(at now: Moment, progress: Moment, others: Int) -> Bool {
    if lastAt.map({ now - $0 > Self.quiet }) ?? true {
      firstAt = now
      count = min(count, 0)
      isKnown = false
    }
    lastAt = now
    count += 1
    let othersGoOn = others > 0 && firstAt.map { progress > $0 } ?? false
    if count >= Self.most, othersGoOn { isKnown = true }
    return isKnown && othersGoOn
  }

  /// An answer came.
  mutating func noteHead() { count = min(count, 0) }

  /// A connection broke after the head of its answer.
  mutating func noteBreak() { (count, isKnown) = (-Self.most, false) }
}
