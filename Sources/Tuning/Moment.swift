/// A point in a pull's own time, in nanoseconds since its start.
///
/// Every rule takes `now` as one of these, so that a test or the simulator can be the clock.
package struct Moment: Hashable, Comparable, Sendable, Codable {
  /// Nanoseconds since the pull began.
  package var nanoseconds: Int64

  /// Makes a moment from nanoseconds since the pull began.
  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Makes a moment from seconds since the pull began.
  ///
  /// - Parameter seconds: what is beyond thirty years either way, or no number, is brought into that range.
  package init(seconds: Double) { nanoseconds = Self.nanoseconds(seconds) }

  /// Traces, clocks and servers name any number of seconds; those of a pull are far fewer than these.
  private static func nanoseconds(_ seconds: Double) -> Int64 {
    guard !seconds.isNaN else { return 0 }
    return Int64((min(max(seconds, -1e9), 1e9) * 1e9).rounded())
  }

  /// The beginning of the pull.
  package static let zero = Moment(nanoseconds: 0)

  /// Seconds since the pull began.
  package var seconds: Double { Double(nanoseconds) / 1e9 }

  /// Reads seconds, as traces write them.
  package init(from decoder: any Decoder) throws {
    let seconds = try decoder.singleValueContainer().decode(Double.self)
    guard abs(seconds) <= 1e9 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a moment lies beyond 1e9 seconds"))
    }
    self.init(seconds: seconds)
  }

  /// Writes seconds.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(seconds)
  }

  /// Orders moments by time.
  package static func < (left: Moment, right: Moment) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The moment `seconds` later.
  package static func + (moment: Moment, seconds: Double) -> Moment {
    let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(Self.nanoseconds(seconds))
    return Moment(nanoseconds: overflow ? (seconds < 0 ? .min : .max) : sum)
  }

  /// The moment `seconds` earlier.
  package static func - (moment: Moment, seconds: Double) -> Moment { moment + -seconds }

  /// Seconds from `right` to `left`.
  package static func - (left: Moment, right: Moment) -> Double {
    let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
    return overflow ? left.seconds - right.seconds : Double(difference) / 1e9
  }
}
