/// The wait that a server asks for in `Retry-After` (RFC 9110, 10.2.3).
package enum RetryAfter {
  /// From here on a number is a Unix time (2001), not a wait of thirty years.
  private static let leastUnixTime = 1e9

  /// Seconds to wait.
  ///
  /// - Parameters:
  ///   - field: a number of seconds, an HTTP date, or a Unix time in seconds.
  ///   - now: seconds since 1970.
  /// - Returns: nil for anything else; 0 for a date in the past.
  package static func seconds(_ field: String, now: Double) -> Double? {
    let text = field.filter { !$0.isWhitespace }
    if !text.isEmpty, text.utf8.count <= 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      guard let number = Double(text) else { return nil }
      // GitHub and others send the moment itself, as a Unix time.
      return number >= Self.leastUnixTime ? max(0, number - now) : number
    }
    return HTTPDate.secondsSince1970(field, now: now).map { max(0, $0 - now) }
  }
}

/// Dates in HTTP fields.
package enum HTTPDate {
  private static let months = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]

  private static let zones: Set<Substring> = ["GMT", "UTC", "+0000"]
  /// Seconds of 50 years.
  private static let halfCentury = 50 * 31_556_952.0

  /// Parses a date in any form that HTTP ever had (RFC 9110, 5.6.7).
  ///
  /// | form | example |
  /// |---|---|
  /// | preferred | `Sun, 06 Nov 1994 08:49:37 GMT` |
  /// | RFC 850 | `Sunday, 06-Nov-94 08:49:37 GMT` |
  /// | asctime | `Sun Nov  6 08:49:37 1994` |
  ///
  /// - Parameters:
  ///   - text: the date.
  ///   - now: seconds since 1970, to which a year of two digits is nearest.
  /// - Returns: seconds since 1970; nil for anything else.
  package static func secondsSince1970(_ text: String, now: Double) -> Double? {
    let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
    if words.count == 5 { return seconds(words[2], words[1], words[4], words[3]) }
    guard words.count == 6, zones.contains(words[5]) else { return nil }
    guard words[3].utf8.count == 2 else { return seconds(words[1], words[2], words[3], words[4]) }
    let (new, old) = ("20" + words[3], "19" + words[3])
    let seen = seconds(words[1], words[2], new, words[4])
    guard let seen, seen - now > halfCentury else { return seen }
    return seconds(words[1], words[2], old, words[4]) ?? seen
  }

  private static func seconds(
    _ day: Substring, _ month: Substring, _ year: some StringProtocol, _ time: Substring
  ) -> Double? {
    guard let day = Int(day), (1...31).contains(day),
      let month = months.firstIndex(of: month.lowercased()), let year = Int(year),
      (1970...9999).contains(year)
    else { return nil }
    let time = time.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard time.count == 3, let hour = time[0], let minute = time[1], let second = time[2],
      (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    let days = daysSince1970(year: year, month: month + 1, day: day)
    return Double(((days * 24 + hour) * 60 + minute) * 60 + second)
  }

  /// Days from 1970-01-01 in the Gregorian calendar.
  ///
  /// Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
  private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
