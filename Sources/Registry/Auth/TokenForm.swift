import OCI
import Transfer

/// The token requests that answer a Bearer challenge.
struct TokenForm: Hashable {
  let realm: RemoteURL
  private let service: String?
  private var scope: String

  /// Checks a challenge and makes the form of it.
  ///
  /// - Throws: `RegistryError` when the realm is missing or a place where credentials must not go.
  init(_ challenge: Challenge, scope: Authorizer.Scope) throws(RegistryError) {
    guard let realm = challenge.parameters["realm"] else {
      throw RegistryError(
        .unauthorised, "\(scope.origin.authority) wants a token and names no place that gives one")
    }
    let service = TokenService(realm: realm, service: challenge.parameters["service"])
    try self.init(service, scope: scope, wanted: challenge.scope)
  }

  /// Checks a token service and makes the form for it.
  ///
  /// - Parameters:
  ///   - service: the service.
  ///   - scope: what the token is for.
  ///   - wanted: the scope in the registry's words; nil: it said nothing special.
  /// - Throws: `RegistryError` when the realm is a place where credentials must not go.
  init(_ service: TokenService, scope: Authorizer.Scope, wanted: String? = nil)
    throws(RegistryError)
  {
    do {
      realm = try RemoteURL(service.realm).overTLS(where: scope.origin)
    } catch {
      throw RegistryError(
        .refusedTarget, "the token realm of \(scope.origin.authority) is refused: \(error)")
    }
    try RedirectRule.check(realm, from: scope.origin, what: "token realm")
    self.service = service.service
    self.scope = wanted ?? Self.usualScope(scope.repository)
  }

  /// The same service, asked for another scope.
  func asking(for scope: String) -> TokenForm {
    var form = self
    form.scope = scope
    return form
  }

  /// The scope of those who want to pull from a repository.
  static func usualScope(_ repository: String) -> String { "repository:\(repository):pull" }

  /// The GET of the token specification, with Basic where there is a password.
  func getRequest(_ credential: Credential?) throws(RegistryError) -> TransferRequest {
    var pairs: [(String, String)] = []
    if let service { pairs.append(("service", service)) }
    for part in scope.split(separator: " ") { pairs.append(("scope", String(part))) }
    switch credential {
    case .basic(let user, _)?, .identityTokenOrBasic(_, let user, _)?:
      pairs.append(("account", user))
    case .encoded?, .identityToken?, .registryToken?, nil: break
    }
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
    pairs.map { PercentEncoding.encoded($0) + "=" + PercentEncoding.encoded($1) }
      .joined(separator: "&")
  }
}
