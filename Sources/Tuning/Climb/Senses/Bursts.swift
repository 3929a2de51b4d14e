/// Tells whether bytes come in bursts, with an idle line in between.
///
/// A server that counts by the second doles its bytes out so; then there is room on the line, whatever a
/// moment's rate says.
struct Bursts: Sendable {
  /// True from when most of the time is gaps until little of it is.
  private(set) var areSeen = false

  /// Seconds over which bursts are looked for: two of the whole seconds that servers count by.
  private static let seconds = 2.2
  /// Share of gaps above which bursts are seen, and below which they are over.
  private static let begin = 0.4
  private static let end = 0.2

  mutating func observe(_ rates: RateLog, now: Moment, roundTrip: Double) {
    guard let gaps = rates.gapShare(since: now - Self.seconds, roundTrip: roundTrip) else { return }
    areSeen = gaps > (areSeen ? Self.end : Self.begin)
  }
}
