/// Reads words, values and quoted strings of a `WWW-Authenticate` field; takes time linear in its length.
struct ChallengeScanner {
  private let bytes: [UInt8]
  var position = 0
  /// Whether a single quotation mark has been looked for in vain: there is none from here on.
  private var lacksSingleQuote = false

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position >= bytes.count }

  /// Takes a byte, and the space before it, if it is the next one.
  mutating func skip(_ byte: UInt8) -> Bool {
    skipSpace()
    guard !isAtEnd, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  /// The next word; what separates it from the one before is passed over, also a colon behind a scheme.
  mutating func token() -> String? {
    while !isAtEnd,
      Self.isSpace(bytes[position]) || Self.isSeparator(bytes[position])
        || bytes[position] == UInt8(ascii: ":")
    {
      position += 1
    }
    return text { Self.isTokenByte($0) }
  }

  /// Passes over what a scheme such as Negotiate has in place of parameters: Base64, up to the next comma.
  mutating func skipToken68() {
    let mark = position
    skipSpace()
    let start = position
    while !isAtEnd, Self.isToken68Byte(bytes[position]) { position += 1 }
    let isEmpty = position == start
    while !isAtEnd, bytes[position] == UInt8(ascii: "=") { position += 1 }
    skipSpace()
    guard !isEmpty, isAtEnd || Self.isSeparator(bytes[position]) else {
      position = mark
      return
    }
  }

  /// A parameter's value: within quotation marks of either kind, or up to a space or comma.
  ///
  /// - Returns: nil where there is none, or its end is missing.
  mutating func value() -> String? {
    skipSpace()
    guard !isAtEnd else { return nil }
    switch bytes[position] {
    case UInt8(ascii: "\""): return quoted()
    case UInt8(ascii: "'"):
      let start = position + 1
      guard !lacksSingleQuote else { break }
      guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "'")) else {
        lacksSingleQuote = true
        break
      }
      position = end + 1
      return String(decoding: bytes[start..<end], as: UTF8.self)
    default: break
    }
    return text { !Self.isSpace($0) && !Self.isSeparator($0) && $0 != UInt8(ascii: "\"") }
  }

  /// Passes over what is no word: one byte, or all that is within quotation marks.
  mutating func passOver() {
    guard !isAtEnd else { return }
    if bytes[position] == UInt8(ascii: "\"") { _ = quoted() } else { position += 1 }
  }

  private mutating func quoted() -> String? {
    position += 1
    var text: [UInt8] = []
    while !isAtEnd {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
      if byte == UInt8(ascii: "\\"), !isAtEnd {
        text.append(bytes[position])
        position += 1
      } else {
        text.append(byte)
      }
    }
    return nil
  }

  private mutating func text(while belongs: (UInt8) -> Bool) -> String? {
    let start = position
    while !isAtEnd, belongs(bytes[position]) { position += 1 }
    return start == position ? nil : String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func skipSpace() {
    while !isAtEnd, Self.isSpace(bytes[position]) { position += 1 }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  /// Commas by the specification, semicolons by mistake.
  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";")
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  private static func isToken68Byte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "-._~+/".utf8.contains(byte)
    }
  }
}
