/// A `Content-Range` of bytes (RFC 9110, 14.4).
package struct ContentRange: Sendable, Equatable {
  /// The bytes that the body holds.
  package var range: Range<Int64>
  /// The whole's size, where the server says.
  package var size: Int64?

  /// Parses `bytes 0-99/200` or `bytes 0-99/*`.
  ///
  /// - Parameter field: the field's value.
  /// - Returns: nil for anything else.
  package init?(_ field: String) {
    let words = field.split(separator: " ")
    guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
    let parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]),
      first <= last, last < .max
    else { return nil }
    range = first..<(last + 1)
    if parts[1] != "*" {
      guard let size = Self.number(parts[1]), last < size else { return nil }
      self.size = size
    }
  }

  /// The size of the whole, as the head of an answer to a range has it: `bytes 0-0/200`, or `bytes
  /// */200` with a 416.
  ///
  /// - Parameter field: the field's value.
  /// - Returns: nil where it is not said.
  static func size(in field: String) -> Int64? {
    let words = field.split(separator: " ")
    guard words.count == 2, words[0].lowercased() == "bytes", words[1].hasPrefix("*/") else {
      return ContentRange(field)?.size
    }
    return number(words[1].dropFirst(2))
  }

  private static func number(_ text: Substring) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(text)
  }
}
