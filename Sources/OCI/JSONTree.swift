package import FoundationEssentials
import Text

/// JSON as it was found: names, numbers and strings keep their text and their order, white space does not.
///
/// What is written back into a document of somebody else's must lose nothing, also nothing that this
/// project does not know: unknown members, numbers that fit no type, strings that are no Unicode.
package enum JSONTree: Hashable, Sendable {
  /// A string, a number, `true`, `false` or `null`, as its text.
  case scalar([UInt8])
  /// A list.
  case array([JSONTree])
  /// Members in their order; a name may be there twice, and the first one counts then.
  case object([Member])

  /// A name and its value.
  package struct Member: Hashable, Sendable {
    /// The name with its quotation marks, as its text.
    var name: [UInt8]
    /// What it has.
    var value: JSONTree

    /// True where the name, whatever its escapes, is this.
    func isNamed(_ other: String) -> Bool {
      if name.elementsEqual(Array("\"\(other)\"".utf8)) { return true }
      guard name.contains(UInt8(ascii: "\\")) else { return false }
      // Letter by letter: to Swift, the Kelvin sign is a K.
      return JSONString.content(name[...])?.utf8.elementsEqual(other.utf8) ?? false
    }
  }

  /// Reads a document; nil when it is not JSON, or has more values than it may have.
  ///
  /// - Parameter bytes: UTF-8 text.
  package init?(_ bytes: some Collection<UInt8>) {
    guard JSONValues.limitExceeded(by: bytes) == nil else { return nil }
    var reader = JSONReader(bytes)
    var tree: JSONTree?
    let isWhole = reader.whole { reader in
      tree = JSONTree(&reader)
      return tree != nil
    }
    guard isWhole, let tree else { return nil }
    self = tree
  }

  private init?(_ reader: inout JSONReader) {
    switch reader.kind {
    case .object:
      var members: [Member] = []
      let isRead = reader.members { name, reader in
        guard let value = JSONTree(&reader) else { return false }
        members.append(Member(name: Array(name), value: value))
        return true
      }
      guard isRead else { return nil }
      self = .object(members)
    case .list:
      var elements: [JSONTree] = []
      let isRead = reader.elements { reader in
        guard let element = JSONTree(&reader) else { return false }
        elements.append(element)
        return true
      }
      guard isRead else { return nil }
      self = .array(elements)
    case .scalar:
      guard let text = reader.scalar() else { return nil }
      self = .scalar(Array(text))
    }
  }

  /// What a value is encoded as.
  ///
  /// - Parameter value: what to encode.
  /// - Throws: `EncodingError`.
  package init(encoding value: some Encodable) throws {
    let data = try StableJSON.encode(value)
    guard let tree = JSONTree(data) else {
      throw EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "no JSON"))
    }
    self = tree
  }

  /// A string.
  ///
  /// - Parameter text: its content.
  package init(string text: String) {
    self = (try? JSONTree(encoding: text)) ?? .scalar(Array("\"\"".utf8))
  }

  /// The text, without white space.
  package var data: Data {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return Data(bytes)
  }

  private func write(to bytes: inout [UInt8]) {
    switch self {
    case .scalar(let text): bytes += text
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        element.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        bytes += member.name
        bytes.append(UInt8(ascii: ":"))
        member.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  /// True for `null`.
  package var isNull: Bool { self == .scalar(Array("null".utf8)) }

  /// A string's content; nil for anything else.
  package var string: String? {
    if case .scalar(let text) = self { JSONString.content(text[...]) } else { nil }
  }

  /// A list's elements; nil for anything else.
  package var elements: [JSONTree]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// An object's values; nil for anything else.
  package var values: [JSONTree]? {
    if case .object(let members) = self { members.map(\.value) } else { nil }
  }

  /// An object's names, in their order and as often as they are there; nil for anything else.
  ///
  /// What is no Unicode in them is replaced, as readers in Go do.
  package var names: [String]? {
    guard case .object(let members) = self else { return nil }
    return members.map { member in
      JSONString.content(member.name[...])
        ?? String(outside: member.name.dropFirst().dropLast())
    }
  }

  /// A member of an object, the first of that name; setting it to nil removes it.
  ///
  /// - Parameter name: the member's name.
  package subscript(name: String) -> JSONTree? {
    get {
      guard case .object(let members) = self else { return nil }
      return members.first { $0.isNamed(name) }?.value
    }
    set {
      guard case .object(var members) = self else { return }
      let place = members.firstIndex { $0.isNamed(name) }
      if let place, let newValue {
        members[place].value = newValue
        // What others would read in its place.
        let others = members[(place + 1)...].filter { !$0.isNamed(name) }
        members = members[...place] + others
      } else if let newValue {
        guard case .scalar(let text) = JSONTree(string: name) else { return }
        members.append(Member(name: text, value: newValue))
      } else {
        members.removeAll { $0.isNamed(name) }
      }
      self = .object(members)
    }
  }

  /// The value of a type that can be decoded from this.
  ///
  /// - Parameter type: the type.
  /// - Returns: nil when it cannot.
  package func decoded<Value: Decodable>(as type: Value.Type) -> Value? {
    try? OutsideJSON.decode(type, from: data)
  }
}
