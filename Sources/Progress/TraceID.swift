/// The number of one run, by which its lines are found among those of others; as W3C Trace Context writes it.
package struct TraceID: Sendable, Equatable, CustomStringConvertible {
  /// 32 hexadecimal digits, lower case.
  package let description: String

  /// Takes the number from a `traceparent`, of which a run is then a part.
  ///
  /// - Parameter traceparent: `00-<32 digits>-<16 digits>-<2 digits>`; later versions may have more
  ///   behind it.
  /// - Returns: nil where it is none: one that is wrong is to be as if it was not there.
  /// - Source: W3C Trace Context, section 3.2.
  package init?(traceparent: String) {
    let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, zip(parts, [2, 32, 16, 2]).allSatisfy({ Self.isHex($0, $1) }),
      parts[0] != "ff", parts[0] != "00" || parts.count == 4, Self.isNumber(parts[1]),
      Self.isNumber(parts[2])
    else { return nil }
    description = String(parts[1])
  }

  /// Makes one up.
  ///
  /// - Parameter random: where it comes from.
  package init(using random: inout some RandomNumberGenerator) {
    var digits = ""
    repeat {
      digits = [random.next() as UInt64, random.next()].map { word in
        let text = String(word, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
      }.joined()
    } while !Self.isNumber(digits[...])
    description = digits
  }

  /// Of a process: of the `TRACEPARENT` that it was given, or one of its own.
  ///
  /// - Parameter environment: the process's environment.
  package init(environment: [String: String]) {
    if let given = environment["TRACEPARENT"].flatMap({ TraceID(traceparent: $0) }) {
      self = given
    } else {
      var random = SystemRandomNumberGenerator()
      self.init(using: &random)
    }
  }

  private static func isHex(_ part: Substring, _ count: Int) -> Bool {
    part.utf8.count == count
      && part.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  /// All zeros mean none.
  private static func isNumber(_ part: Substring) -> Bool { part.contains { $0 != "0" } }
}
