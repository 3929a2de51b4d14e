import FoundationEssentials
import OCI
import Text

/// JSON as its writers mean it: names without regard to case, as programs in Go read and write
/// them, and what has another type than expected counts as absent.
enum LooseJSON: Equatable {
  case object([String: LooseJSON])
  case array([LooseJSON])
  case string(String)
  case number(Double)
  case other

  /// Reads a document; a byte order mark before it is passed over.
  ///
  /// - Returns: nil for what is not JSON, or has more values than it may have.
  init?(_ data: Data) {
    guard let tree = JSONTree(data.withoutByteOrderMark) else { return nil }
    self.init(tree)
  }

  /// By `JSONTree`, not `JSONDecoder`, whose error for each value that is no number costs more the larger
  /// the document is.
  private init(_ tree: JSONTree) {
    switch tree {
    case .array(let elements): self = .array(elements.map { LooseJSON($0) })
    case .object:
      let members = zip(tree.names ?? [], (tree.values ?? []).map { LooseJSON($0) })
      self = .object(Dictionary(members, uniquingKeysWith: { first, _ in first }))
    case .scalar(let text):
      if let string = tree.string {
        self = .string(string)
      } else if let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite {
        self = .number(number)
      } else {
        self = .other
      }
    }
  }

  /// A member of an object: the exact name first, then any other case of it.
  subscript(_ name: String) -> LooseJSON? {
    guard case .object(let members) = self else { return nil }
    if let exact = members[name] { return exact }
    let lowered = name.lowercased()
    return members.filter { $0.key.lowercased() == lowered }.min { $0.key < $1.key }?.value
  }

  var members: [String: LooseJSON]? {
    if case .object(let members) = self { members } else { nil }
  }

  var elements: [LooseJSON]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// A number, also one that is written as a string.
  var number: Double? {
    switch self {
    case .number(let number): number
    case .string(let text): Double(text.filter { !$0.isWhitespace })
    default: nil
    }
  }
}
