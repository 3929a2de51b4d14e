import OCI
import Transfer

/// The token requests that answer a Bearer challenge.
struct TokenForm: Hashable {
  let realm: RemoteURL
  private let service: String?
  private let scope: String

  /// Checks a challenge and makes the form of it.
  ///
  /// - Throws: `RegistryError` when the realm is missing or a place where credentials must not go.
  init(_ challenge: Challenge, scope: Authorizer.Scope) throws(RegistryError) {
    guard let text = challenge.parameters["realm"] else {
      throw RegistryError(
        .protocolError(transient: false), "\(scope.origin.authority) names no token realm")
    }
    do {
      realm = try RemoteURL(text)
    } catch {
      throw RegistryError(
        .refusedTarget, "the token realm of \(scope.origin.authority) is refused: \(error)")
    }
    try RedirectRule.check(realm, from: scope.origin, what: "token realm")
    service = challenge.parameters["service"]
    self.scope = challenge.parameters["scope"] ?? "repository:\(scope.repository):pull"
  }

  /// The GET of the token specification, with Basic where there is a password.
  func getRequest(_ credential: Credential?) throws(RegistryError) -> TransferRequest {
    var pairs: [(String, String)] = []
    if let service { pairs.append(("service", service)) }
    for part in scope.split(separator: " ") { pairs.append(("scope", String(part))) }
    if case .basic(let user, _)? = credential { pairs.append(("account", user)) }
    let separator = realm.target.contains("?") ? "&" : "?"
    let url: RemoteURL
    do {
      url = try RemoteURL(
        origin: realm.origin, target: realm.target + separator + Self.encode(pairs))
    } catch {
      throw RegistryError(.refusedTarget, "the token realm is refused: \(error)")
    }
    var fields = HTTPFields([("Accept", "application/json")])
    if let header = credential?.basicHeader { fields.append("Authorization", header) }
    return TransferRequest(.get, url, fields: fields, sharesConnection: true)
  }

  /// The OAuth2 POST for an identity token.
  func oauthRequest(refreshToken: String) -> TransferRequest {
    var pairs = [
      ("grant_type", "refresh_token"), ("client_id", "cairn"), ("scope", scope),
      ("refresh_token", refreshToken),
    ]
    if let service { pairs.append(("service", service)) }
    let fields = HTTPFields([
      ("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"),
    ])
    return TransferRequest(
      .post, realm, fields: fields, body: Array(Self.encode(pairs).utf8), sharesConnection: true)
  }

  private static func encode(_ pairs: [(String, String)]) -> String {
    pairs.map { "\(escape($0))=\(escape($1))" }.joined(separator: "&")
  }

  private static func escape(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      let character = Character(Unicode.Scalar(byte))
      if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
        result.append(character)
      } else {
        let hex = String(byte, radix: 16, uppercase: true)
        result += "%" + (hex.count == 1 ? "0" + hex : hex)
      }
    }
    return result
  }
}
