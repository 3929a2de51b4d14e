import Text

/// How long an answer says that its body is.
///
/// A list of equal lengths is one length. Chunks have lengths of their own, beside which nothing
/// else counts. Source: RFC 9110, 8.6, and RFC 9112, 6.3.
package enum ContentLength: Sendable, Equatable {
  /// Nothing is said: the body ends where its chunks do, or its connection.
  case unsaid
  /// So many bytes.
  case bytes(Int64)
  /// Lengths that contradict each other, or something that is none: as it came, in plain ASCII and
  /// cut.
  case unreadable(String)

  /// The most characters of what is no length that are shown.
  private static let mostShown = 40

  /// Reads the fields of an answer.
  package init(_ fields: HTTPFields) {
    let said = fields.values("content-length")
    guard !said.isEmpty, !Self.isChunked(fields) else {
      self = .unsaid
      return
    }
    let lengths = said.flatMap { $0.split(separator: ",") }.map(Self.withoutBlanks)
      .filter { !$0.isEmpty }.map(Self.length)
    if let one = lengths.first, let one, lengths.allSatisfy({ $0 == one }) {
      self = .bytes(one)
    } else {
      self = .unreadable(said.joined(separator: ", ").asASCII(Self.mostShown))
    }
  }

  private static func length(_ text: Substring) -> Int64? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
  }

  private static func withoutBlanks(_ text: Substring) -> Substring {
    let start = text.drop { " \t".contains($0) }
    guard let end = start.lastIndex(where: { !" \t".contains($0) }) else { return "" }
    return start[...end]
  }

  private static func isChunked(_ fields: HTTPFields) -> Bool {
    fields.values("transfer-encoding").contains { $0.lowercased().contains("chunked") }
  }
}
