/// Times as Go writes them: `3s`, `1m30s`, `1.5h`, `300ms`.
enum GoDuration {
  private static let units: [String: Double] = [
    "ns": 1e-9, "us": 1e-6, "\u{B5}s": 1e-6, "\u{3BC}s": 1e-6, "ms": 1e-3, "s": 1, "m": 60,
    "h": 3600,
  ]

  /// The longest that Go can say: 292 years.
  private static let longest = 9_223_372_036.0

  /// Reads a duration.
  ///
  /// - Parameter text: for example `1m30s`; without a unit only `0` means something.
  /// - Returns: seconds; nil for anything else.
  /// - Source: `time.ParseDuration`.
  static func seconds(_ text: String) -> Double? {
    var rest = text[...]
    let isNegative = rest.first == "-"
    if isNegative || rest.first == "+" { rest.removeFirst() }
    if rest == "0" { return 0 }
    guard !rest.isEmpty else { return nil }
    var sum = 0.0
    while !rest.isEmpty {
      let digits = rest.prefix { $0 == "." || $0.isASCII && $0.isNumber }
      let unit = rest[digits.endIndex...].prefix { $0 != "." && !($0.isASCII && $0.isNumber) }
      rest = rest[unit.endIndex...]
      guard digits.contains(where: { $0 != "." }), digits.count(where: { $0 == "." }) <= 1,
        let factor = units[String(unit)],
        let number = Double("0" + digits + (digits.last == "." ? "0" : ""))
      else { return nil }
      sum += number * factor
    }
    guard sum <= longest else { return nil }
    return isNegative ? -sum : sum
  }
}
