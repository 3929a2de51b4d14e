import Text

/// Percent-encoding of paths and queries.
package enum PercentCode {
  /// The text without its `%41`; nil where one is cut or what comes out is no UTF-8, or has bytes
  /// that no name may have.
  package static func decoded(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8.makeIterator()
    while let byte = rest.next() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.next().flatMap(value), let low = rest.next().flatMap(value) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    guard bytes.allSatisfy(\.isGraphicASCII) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    Character(UnicodeScalar(digit)).hexDigitValue.flatMap { UInt8(exactly: $0) }
  }
}
