import FoundationEssentials
import Registry

/// What a request's `Authorization` says; in memory only while the request and what it began run,
/// and never printed.
enum CallerCredential: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
  /// There is none, or one without a name and a password, as podman and skopeo send it that have none.
  case none
  /// User name and password, and the field as it came.
  case basic(user: String, password: String, field: String)
  /// A token, and the field as it came.
  case bearer(String, field: String)

  /// The most bytes of a field: tokens of large registries have about 4 KiB, some of Azure's 12.
  static let limit = 16 << 10

  /// Reads it.
  ///
  /// - Parameter field: the field's value; nil: there is none.
  /// - Throws: `ServeRefusal` for one that is too long, or neither Basic nor Bearer.
  init(_ field: String?) throws(ServeRefusal) {
    guard let field else {
      self = .none
      return
    }
    guard field.utf8.count <= Self.limit else {
      throw ServeRefusal(
        status: 431, code: .unsupported,
        message: "the Authorization field has more than \(Self.limit >> 10) KiB")
    }
    let parts = field.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let value = parts.last, Self.isToken(value) else {
      throw .badRequest("the Authorization field cannot be read")
    }
    switch parts[0].lowercased() {
    case "basic": self = try Self.basic(String(value), field)
    case "bearer": self = .bearer(String(value), field: field)
    default: throw .badRequest("Authorization is understood as Basic or Bearer only")
    }
  }

  /// One word: no comma behind which another credential could stand, and no control character.
  private static func isToken(_ value: Substring) -> Bool {
    !value.isEmpty && value.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x2C }
  }

  private static func basic(_ value: String, _ field: String) throws(ServeRefusal)
    -> CallerCredential
  {
    guard let data = Data(base64Encoded: value),
      let text = String(validating: data, as: UTF8.self),
      let colon = text.utf8.firstIndex(of: UInt8(ascii: ":"))
    else { throw .badRequest("the Basic credential cannot be read") }
    let user = String(text[..<colon])
    let password = String(text[text.index(after: colon)...])
    if user.isEmpty, password.isEmpty { return .none }
    return .basic(user: user, password: password, field: field)
  }

  /// The field as it came; nil: there is none.
  var field: String? {
    switch self {
    case .none: nil
    case .basic(_, _, let field), .bearer(_, let field): field
    }
  }

  /// For whoever gets tokens of a registry with it.
  var credential: Credential? {
    switch self {
    case .none: nil
    case .basic(let user, let password, _): .basic(user: user, password: password)
    case .bearer(let token, _): .registryToken(token)
    }
  }

  /// Hides the secret, and the name, too.
  var description: String {
    switch self {
    case .none: "anonymous"
    case .basic: "a password"
    case .bearer: "a token"
    }
  }

  /// Hides the secret.
  var debugDescription: String { description }
}
