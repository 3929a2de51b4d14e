/// A recursive-descent reader of JSON, which goes over a text and leaves to its caller what is kept of it.
///
/// The grammar is RFC 8259's; it must agree with `JSONDecoder`, which reads what is in the texts.
package struct JSONReader {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0

  /// Lists and objects within each other; a document of deeper ones is refused.
  static let depthLimit = 200

  /// - Parameter bytes: UTF-8 text.
  package init(_ bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

  /// Reads the one value that the text is.
  ///
  /// - Parameter read: goes over it; false where it is not what was expected.
  /// - Returns: whether it is, and nothing follows.
  package mutating func whole(_ read: (inout JSONReader) -> Bool) -> Bool {
    guard read(&self) else { return false }
    skipSpace()
    return position == bytes.count
  }

  // MARK: Values

  /// Goes over a value, whatever it is, and keeps nothing of it.
  ///
  /// - Returns: false where there is none.
  package mutating func pass() -> Bool {
    switch kind {
    case .object: members { _, reader in reader.pass() }
    case .list: elements { $0.pass() }
    case .scalar: scalar() != nil
    }
  }

  /// What a value is, by its first byte.
  package enum Kind { case object, list, scalar }

  /// What the next value is, if it is one.
  package var kind: Kind {
    mutating get {
      skipSpace()
      return switch next {
      case UInt8(ascii: "{"): .object
      case UInt8(ascii: "["): .list
      default: .scalar
      }
    }
  }

  /// Goes over a list.
  ///
  /// - Parameter body: goes over one element; false ends it.
  /// - Returns: false where it is no list, or was ended.
  package mutating func elements(_ body: (inout JSONReader) -> Bool) -> Bool {
    nested("[") { reader in
      if reader.take("]") { return true }
      while body(&reader) {
        if reader.take("]") { return true }
        guard reader.take(",") else { return false }
      }
      return false
    }
  }

  /// Goes over an object.
  ///
  /// - Parameter body: given a name with its quotation marks, goes over its value; false ends it.
  /// - Returns: false where it is no object, or was ended.
  package mutating func members(
    _ body: (_ name: ArraySlice<UInt8>, inout JSONReader) -> Bool
  ) -> Bool {
    nested("{") { reader in
      if reader.take("}") { return true }
      while true {
        reader.skipSpace()
        guard let name = reader.string(), reader.take(":"), body(name, &reader) else {
          return false
        }
        if reader.take("}") { return true }
        guard reader.take(",") else { return false }
      }
    }
  }

  /// Reads a string with its quotation marks, a number, `true`, `false` or `null`.
  package mutating func scalar() -> ArraySlice<UInt8>? {
    skipSpace()
    return next == UInt8(ascii: "\"") ? string() : word()
  }

  // MARK: Bytes

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

  private mutating func nested(
    _ opening: Unicode.Scalar, _ read: (inout JSONReader) -> Bool
  ) -> Bool {
    guard depth < Self.depthLimit, take(opening) else { return false }
    depth += 1
    let isRead = read(&self)
    depth -= 1
    return isRead
  }

  private mutating func string() -> ArraySlice<UInt8>? {
    guard next == UInt8(ascii: "\"") else { return nil }
    let start = position
    position += 1
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return bytes[start..<position]
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
    guard byte == UInt8(ascii: "u") else { return JSONString.escape(byte) != nil }
    for _ in 0..<4 {
      guard let digit = next, JSONString.digit(digit) != nil else { return false }
      position += 1
    }
    return true
  }

  private mutating func word() -> ArraySlice<UInt8>? {
    let start = position
    while let byte = next, Self.isWord(byte) { position += 1 }
    let text = bytes[start..<position]
    let isWord =
      text.elementsEqual("null".utf8) || text.elementsEqual("true".utf8)
      || text.elementsEqual("false".utf8)
    return isWord || Self.isNumber(text) ? text : nil
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x61...0x7A, 0x2B, 0x2D, 0x2E, 0x45: true
    default: false
    }
  }

  /// The grammar: `-? (0 | [1-9][0-9]*) (\. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
  private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    func digits(_ rest: inout ArraySlice<UInt8>) -> Int {
      let count = rest.prefix { (0x30...0x39).contains($0) }.count
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
