/// The links of one `Link` field, as their writers mean them (RFC 8288); takes time linear in its length.
///
/// A link without `<>` is one, too, and so is one without parameters; what stands in quotation marks
/// separates nothing.
struct LinkField {
  struct Link: Equatable {
    /// Where it leads, as it came.
    var target: String
    /// What it is called, in lower case; nil: nothing is said.
    var relations: [String]?
  }

  private let bytes: [UInt8]
  private var position = 0

  private init(_ field: String) { bytes = Array(field.utf8) }

  static func links(of field: String) -> [Link] {
    var reader = LinkField(field)
    var links: [Link] = []
    while let link = reader.link() { links.append(link) }
    return links
  }

  private mutating func link() -> Link? {
    pass { Self.isSpace($0) || $0 == UInt8(ascii: ",") }
    guard position < bytes.count else { return nil }
    var link = Link(target: target(), relations: nil)
    while position < bytes.count, !isAtNextLink {
      let name = text { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
      var value = ""
      if position < bytes.count, bytes[position] == UInt8(ascii: "=") {
        position += 1
        value = self.value()
      }
      // Of several the first counts.
      if link.relations == nil, name.lowercased().filter({ !$0.isWhitespace && $0 != ">" }) == "rel"
      {
        link.relations = value.lowercased().split {
          $0.isWhitespace || $0 == "\"" || $0 == "'"
        }.map(String.init)
      }
      if position < bytes.count, bytes[position] == UInt8(ascii: ";") { position += 1 }
    }
    return link
  }

  /// What is between `<` and `>`; where one of them is missing, what is before the parameters.
  private mutating func target() -> String {
    if bytes[position] == UInt8(ascii: "<") { position += 1 }
    let start = position
    while position < bytes.count,
      ![UInt8(ascii: ">"), UInt8(ascii: ";")].contains(bytes[position]),
      !isAtNextLink
    {
      position += 1
    }
    // A semicolon may be the target's own, where that has an end.
    if position < bytes.count, bytes[position] == UInt8(ascii: ";"), start > 0,
      bytes[start - 1] == UInt8(ascii: "<"),
      let end = bytes[position...].firstIndex(where: { "<>\"".utf8.contains($0) }),
      bytes[end] == UInt8(ascii: ">")
    {
      position = end
    }
    let target = String(decoding: bytes[start..<position], as: UTF8.self)
    pass { $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: ";") || Self.isSpace($0) }
    return target
  }

  private mutating func value() -> String {
    pass(Self.isSpace)
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
      return text { $0 != UInt8(ascii: ";") }
    }
    var value: [UInt8] = []
    position += 1
    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
      if bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count { position += 1 }
      value.append(bytes[position])
      position += 1
    }
    // Behind the mark, up to the next parameter, is nothing.
    _ = text { $0 != UInt8(ascii: ";") }
    return String(decoding: value, as: UTF8.self)
  }

  /// Whether a comma is here with another link behind it: a comma alone may be part of anything.
  private var isAtNextLink: Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { return false }
    let next = bytes[(position + 1)...].first { !Self.isSpace($0) }
    return next == UInt8(ascii: "<")
  }

  private mutating func text(while belongs: (UInt8) -> Bool) -> String {
    let start = position
    while position < bytes.count, belongs(bytes[position]), !isAtNextLink { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func pass(_ belongs: (UInt8) -> Bool) {
    while position < bytes.count, belongs(bytes[position]) { position += 1 }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
