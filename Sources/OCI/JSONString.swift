import Text

/// What a string of JSON says.
package enum JSONString {
  /// Reads a string.
  ///
  /// - Parameter text: as it stands there, with its quotation marks.
  /// - Returns: nil where it is no string, or no Unicode.
  package static func content(_ text: ArraySlice<UInt8>) -> String? {
    guard text.count >= 2, text.first == UInt8(ascii: "\"") else { return nil }
    let inner = text.dropFirst().dropLast()
    if !inner.contains(UInt8(ascii: "\\")) { return String(validatingOutside: inner) }
    return unescaped(inner).flatMap { String(validatingOutside: $0) }
  }

  private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var rest = text
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      guard let kind = rest.popFirst() else { return nil }
      if kind == UInt8(ascii: "u") {
        guard let scalar = scalar(&rest) else { return nil }
        bytes += Unicode.UTF8.encode(scalar) ?? .init()
      } else {
        guard let meant = escape(kind) else { return nil }
        bytes.append(meant)
      }
    }
    return bytes
  }

  /// A scalar behind `\u`; one beyond the first 65,536 takes two escapes.
  private static func scalar(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
    guard let unit = unit(&rest) else { return nil }
    guard unit & 0xFC00 == 0xD800 else { return Unicode.Scalar(unit) }
    guard rest.starts(with: "\\u".utf8) else { return nil }
    rest = rest.dropFirst(2)
    guard let low = self.unit(&rest), low & 0xFC00 == 0xDC00 else { return nil }
    return Unicode.Scalar(0x10000 + ((unit & 0x3FF) << 10 | low & 0x3FF))
  }

  private static func unit(_ rest: inout ArraySlice<UInt8>) -> UInt32? {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let value = rest.popFirst().flatMap(digit) else { return nil }
      unit = unit << 4 | UInt32(value)
    }
    return unit
  }

  /// What a letter behind a backslash stands for; nil: nothing, or more letters say it.
  static func escape(_ letter: UInt8) -> UInt8? {
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: nil
    }
  }

  /// A hexadecimal digit's value.
  static func digit(_ letter: UInt8) -> UInt8? {
    switch letter {
    case 0x30...0x39: letter - 0x30
    case 0x41...0x46: letter - 0x41 + 10
    case 0x61...0x66: letter - 0x61 + 10
    default: nil
    }
  }
}
