/// A point in a pull's own time, in nanoseconds since its start.
///
/// Every rule takes `now` as one of these, so that a test or the simulator can be the clock.
public struct Moment: Hashable, Comparable, Sendable, Codable {
  /// Nanoseconds since the pull began.
  public var nanoseconds: Int64

  /// Makes a moment from nanoseconds since the pull began.
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Makes a moment from seconds since the pull began.
  public init(seconds: Double) { nanoseconds = Int64((seconds * 1e9).rounded()) }

  /// The beginning of the pull.
  public static let zero = Moment(nanoseconds: 0)

  /// Seconds since the pull began.
  public var seconds: Double { Double(nanoseconds) / 1e9 }

  /// Reads seconds, as traces write them.
  public init(from decoder: any Decoder) throws {
    let seconds = try decoder.singleValueContainer().decode(Double.self)
    guard abs(seconds) <= 1e9 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a moment lies beyond 1e9 seconds"))
    }
    self.init(seconds: seconds)
  }

  /// Writes seconds.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(seconds)
  }

  /// Orders moments by time.
  public static func < (left: Moment, right: Moment) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The moment `seconds` later.
  public static func + (moment: Moment, seconds: Double) -> Moment {
    Moment(nanoseconds: moment.nanoseconds + Int64((min(seconds, 1e8) * 1e9).rounded()))
  }

  /// The moment `seconds` earlier.
  public static func - (moment: Moment, seconds: Double) -> Moment { moment + -seconds }

  /// Seconds from `right` to `left`.
  public static func - (left: Moment, right: Moment) -> Double {
    Double(left.nanoseconds - right.nanoseconds) / 1e9
  }
}
