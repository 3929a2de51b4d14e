/// How a registry finds out who asks.
enum Auth: Sendable {
  /// It does not.
  case open
  /// User and password with every request.
  case basic(Basic)
  /// A token of a service that the challenge names.
  case bearer(Bearer)

  struct Basic: Sendable {
    /// The challenge; `HOST` stands for the registry.
    var challenge: String
    /// What a refusal carries beside the challenge.
    var fields: [(String, String)] = []
  }

  struct Bearer: Sendable {
    /// The challenge; `REALM`, `HOST` and `SCOPE` stand for the service's URL, the registry, and
    /// what is asked for.
    var challenge: String
    /// The service's path.
    var path = "/token"
    /// Whether it is on a host of its own.
    var isElsewhere = false
    /// What an anonymous client gets: a token, or this refusal.
    var anonymous = Anonymous.token
    /// The answer's JSON; `TOKEN` stands for the token.
    var document = #"{"token":"TOKEN"}"#
    /// Whether OAuth2's POST is known, too.
    var knowsOAuth = false
    /// The status for a wrong password.
    var wrongPassword = 401
    /// The status for a token that does not suffice.
    var powerless = 401
    /// Whether the registry takes user and password with the request itself, too.
    var takesBasic = false
    /// What follows the answer's media type.
    var typeSuffix = ""
    /// Whether the scope leaves out the part of the path that is a mirror's.
    var omitsPathPrefix = false
    /// Whether a token is good for nothing but what it was asked for.
    var mindsScope = true
  }

  enum Anonymous: Sendable, Equatable {
    /// One that suffices.
    case token
    /// One that does not.
    case powerlessToken
    /// None: the service refuses with this status.
    case refused(Int)
  }
}
