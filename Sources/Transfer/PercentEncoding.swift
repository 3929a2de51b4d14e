/// How bytes are written in a URL, or in a form, that would mean something else there (RFC 3986, 2.1).
package enum PercentEncoding {
  /// Letters, digits and `-._~` stand for themselves in any part of a URL (RFC 3986, 2.3).
  ///
  /// - Parameters:
  ///   - text: what is escaped, byte by byte.
  ///   - keeping: what else of ASCII stands for itself there.
  package static func encoded(_ text: some StringProtocol, keeping: String = "") -> String {
    let kept = Set(("-._~" + keeping).utf8)
    return text.utf8.reduce(into: "") { encoded, byte in
      if isAlphanumeric(byte) || kept.contains(byte) {
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        encoded += (byte < 0x10 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
      }
    }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }
}
