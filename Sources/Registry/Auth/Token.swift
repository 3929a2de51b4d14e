import FoundationEssentials
import Text

/// A bearer token and when to get a new one.
struct Token: Sendable, Equatable {
  let value: String
  /// Seconds on the authorizer's clock after which a new one is fetched before use.
  let refreshAt: Double

  /// The `Authorization` field that shows it.
  var header: String { "Bearer " + value }

  /// The lifetime where the server names none, by the token specification.
  static let defaultLifetime = 60.0

  /// Reads a token server's answer.
  ///
  /// - Parameters:
  ///   - body: JSON with `token` or `access_token`.
  ///   - now: seconds on the authorizer's clock.
  /// - Returns: nil when there is no usable token in it.
  init?(_ body: [UInt8], now: Double) {
    guard let document = LooseJSON(Data(body)),
      let value = [document["token"], document["access_token"]]
        .compactMap({ $0?.string.map(Self.clean) }).first(where: { !$0.isEmpty }),
      value.isGraphicASCII
    else { return nil }
    self.value = value
    var lifetime = document["expires_in"]?.number ?? Self.defaultLifetime
    if !(lifetime > 0 && lifetime.isFinite) { lifetime = Self.defaultLifetime }
    // A fifth of the lifetime, at most half a minute, for the request that carries it.
    refreshAt = now + lifetime - min(30, lifetime / 5)
  }

  /// The identity token that an answer gives in place of the one that was shown; nil: none.
  static func newIdentity(_ body: [UInt8]) -> String? {
    LooseJSON(Data(body))?["refresh_token"]?.string.flatMap {
      $0.isGraphicASCII && !$0.isEmpty ? $0 : nil
    }
  }

  /// A token without what is around it: space, line ends, and the scheme that the field gets anyway.
  private static func clean(_ text: String) -> String {
    var words = text.split(whereSeparator: \.isWhitespace)
    if words.count == 2, words[0].lowercased() == "bearer" { words.removeFirst() }
    // What else is more than one word is none, and refused for what is in it.
    guard let only = words.first, words.count == 1 else { return text }
    return String(only)
  }
}
