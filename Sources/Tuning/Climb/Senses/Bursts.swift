/// Tells whether bytes come in bursts, with an idle line in between.
///
/// A server that counts by the second doles its bytes out so; then there is room on the line, whatever a
/// moment's rate says.
struct Bursts: Sendable {
  /// True from when much of the time is gaps until little of it is.
  private(set) var areSeen = false
  /// Seconds after which they come again; nil: none were ever seen.
  ///
  /// A server that counts by the second goes on so, also where its bursts overlap.
  private(set) var period: Double?

  /// Share of the time that is gaps.
  private var gaps = 0.0

  /// How many times as many workers the gaps have room for: those that fill a fifth of the time leave
  /// room for five times as many.
  var room: Double { min(Self.most, max(Self.fewest, 1 / (1 - gaps))) }

  /// Bounds of that, for one step.
  private static let fewest = 2.0
  private static let most = 4.0
  /// Seconds over which bursts are looked for: two of the whole seconds that servers count by.
  private static let seconds = 2.2
  /// What servers count by, in seconds.
  private static let second = 1.0
  /// Share of gaps above which bursts are seen, and below which they are over.
  private static let begin = 0.3
  private static let end = 0.15

  mutating func observe(_ rates: RateLog, now: Moment, roundTrip: Double) {
    guard let gaps = rates.gapShare(since: now - Self.seconds, roundTrip: roundTrip) else { return }
    self.gaps = gaps
    areSeen = gaps > (areSeen ? Self.end : Self.begin)
    if areSeen { period = Self.second }
  }
}
