import FoundationEssentials
import Text

/// JSON as its writers mean it: names without regard to case, as programs in Go read and write them, and what has another type
/// than expected counts as absent.
enum LooseJSON: Decodable, Equatable {
  case object([String: LooseJSON])
  case array([LooseJSON])
  case string(String)
  case number(Double)
  case other

  /// Reads a document; a byte order mark before it is passed over.
  ///
  /// - Returns: nil for what is not JSON.
  init?(_ data: Data) {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let bare = data.starts(with: mark) ? data.dropFirst(mark.count) : data
    guard let value = try? OutsideJSON.decode(LooseJSON.self, from: Data(bare)) else {
      return nil
    }
    self = value
  }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let object = try? value.decode([String: LooseJSON].self) {
      self = .object(object)
    } else if let array = try? value.decode([LooseJSON].self) {
      self = .array(array)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else {
      self = .other
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
