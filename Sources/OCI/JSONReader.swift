/// A recursive-descent reader of JSON that keeps the text of names, strings and numbers.
///
/// The grammar is RFC 8259's; it must agree with `JSONDecoder`, which reads what is in the texts.
struct JSONReader {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0

  /// Lists and objects within each other; a document of deeper ones is refused.
  static let depthLimit = 200

  init(_ bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

  /// The one value that the text is; nil when it is not JSON.
  mutating func document() -> JSONTree? {
    guard let value = value() else { return nil }
    skipSpace()
    return position == bytes.count ? value : nil
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, Self.isSpace(byte) { position += 1 }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x09, 0x0A, 0x0D: true
    default: false
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func value() -> JSONTree? {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return nested { $0.object() }
    case UInt8(ascii: "["): return nested { $0.array() }
    case UInt8(ascii: "\""): return string().map { .scalar($0) }
    default: return word()
    }
  }

  private mutating func nested(_ read: (inout JSONReader) -> JSONTree?) -> JSONTree? {
    guard depth < Self.depthLimit else { return nil }
    depth += 1
    position += 1
    let value = read(&self)
    depth -= 1
    return value
  }

  private mutating func array() -> JSONTree? {
    var elements: [JSONTree] = []
    if take("]") { return .array([]) }
    while let element = value() {
      elements.append(element)
      if take("]") { return .array(elements) }
      guard take(",") else { return nil }
    }
    return nil
  }

  private mutating func object() -> JSONTree? {
    var members: [JSONTree.Member] = []
    if take("}") { return .object([]) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\""), let name = string(), take(":"), let value = value() else {
        return nil
      }
      members.append(JSONTree.Member(name: name, value: value))
      if take("}") { return .object(members) }
      guard take(",") else { return nil }
    }
  }

  /// A string with its quotation marks.
  private mutating func string() -> [UInt8]? {
    let start = position
    position += 1
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return Array(bytes[start..<position])
      case UInt8(ascii: "\\"):
        guard escape() else { return nil }
      case 0..<0x20: return nil
      default: continue
      }
    }
    return nil
  }

  private mutating func escape() -> Bool {
    guard let byte = next else { return false }
    position += 1
    guard byte == UInt8(ascii: "u") else { return Array("\"\\/bfnrt".utf8).contains(byte) }
    for _ in 0..<4 {
      guard let digit = next, Character(Unicode.Scalar(digit)).isHexDigit else { return false }
      position += 1
    }
    return true
  }

  /// A number, `true`, `false` or `null`.
  private mutating func word() -> JSONTree? {
    let start = position
    while let byte = next, Self.isWord(byte) { position += 1 }
    let text = Array(bytes[start..<position])
    let isWord = ["true", "false", "null"].contains { text.elementsEqual($0.utf8) }
    return isWord || Self.isNumber(text) ? .scalar(text) : nil
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    isDigit(byte) || (0x61...0x7A).contains(byte) || [0x2B, 0x2D, 0x2E, 0x45].contains(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// The grammar: `-? (0 | [1-9][0-9]*) (\. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
  private static func isNumber(_ text: [UInt8]) -> Bool {
    var rest = text[...]
    func digits(_ rest: inout ArraySlice<UInt8>) -> Int {
      let count = rest.prefix(while: isDigit).count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let startsWithZero = rest.first == UInt8(ascii: "0")
    let whole = digits(&rest)
    guard whole == 1 || whole > 1 && !startsWithZero else { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard digits(&rest) > 0 else { return false }
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") {
        rest = rest.dropFirst()
      }
      guard digits(&rest) > 0 else { return false }
    }
    return rest.isEmpty
  }
}
