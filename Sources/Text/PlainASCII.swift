/// Printable ASCII: what can act on no terminal, hide nothing and look like nothing else.
extension UInt8 {
  /// Whether a byte is an ASCII character that leaves ink: no space, no control code.
  package var isGraphicASCII: Bool { 0x21...0x7E ~= self }
}

extension StringProtocol {
  /// Whether there is nothing in it but ASCII characters that leave ink.
  package var isGraphicASCII: Bool { utf8.allSatisfy(\.isGraphicASCII) }

  /// The beginning of a stranger's text, with a question mark for all but printable ASCII.
  ///
  /// The "…" that our own words put in place of a secret stays.
  ///
  /// - Parameter limit: the most characters.
  package func asASCII(_ limit: Int) -> String {
    String(
      unicodeScalars.prefix(limit).map {
        (0x20...0x7E).contains($0.value) || $0 == "…" ? Character($0) : "?"
      })
  }
}
