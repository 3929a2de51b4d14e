import FoundationEssentials
import Text

/// What proves to a registry who is asking; never printed.
package enum Credential: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  /// User name and password, or a token used as one.
  case basic(user: String, password: String)
  /// Both in base64, as a file has them: bytes that are no UTF-8, which no text could give back.
  case encoded(String)
  /// An OAuth2 refresh token (`identitytoken` in Docker's configuration).
  case identityToken(String)
  /// One with the user name and password that stand beside it, for servers that do not know OAuth2.
  case identityTokenOrBasic(String, user: String, password: String)
  /// A token that is sent to the registry as it is (`registrytoken`).
  case registryToken(String)

  /// Parses `--creds`.
  ///
  /// - Parameter text: `USER:PASSWORD`; the password may contain colons.
  /// - Returns: nil without a user name or a colon.
  package init?(userAndPassword text: String) {
    guard let (user, password) = text.cut(at: ":"), !user.isEmpty else { return nil }
    self = .basic(user: String(user), password: String(password))
  }

  /// Hides the secret.
  package var description: String {
    switch self {
    case .basic(let user, _): "user \(user)"
    case .encoded: "user and password"
    case .identityToken, .identityTokenOrBasic: "identity token"
    case .registryToken: "registry token"
    }
  }

  /// Hides the secret.
  package var debugDescription: String { description }

  /// The `Authorization` of a Basic credential.
  var basicHeader: String? {
    switch self {
    case .basic(let user, let password), .identityTokenOrBasic(_, let user, let password):
      "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    case .encoded(let text): "Basic \(text)"
    case .identityToken, .registryToken: nil
    }
  }

  /// The same with a newer identity token.
  func showing(_ token: String) -> Credential {
    switch self {
    case .identityToken: .identityToken(token)
    case .identityTokenOrBasic(_, let user, let password):
      .identityTokenOrBasic(token, user: user, password: password)
    case .basic, .encoded, .registryToken: self
    }
  }

  /// The OAuth2 refresh token; nil: it has none.
  var refreshToken: String? {
    switch self {
    case .identityToken(let token), .identityTokenOrBasic(let token, _, _): token
    case .basic, .encoded, .registryToken: nil
    }
  }
}
