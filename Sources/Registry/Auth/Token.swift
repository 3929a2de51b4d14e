import FoundationEssentials

/// A bearer token and when to get a new one.
struct Token: Sendable, Equatable {
  let value: String
  /// Seconds on the authorizer's clock after which a new one is fetched before use.
  let refreshAt: Double

  /// The lifetime where the server names none, by the token specification.
  static let defaultLifetime = 60.0

  private struct Document: Decodable {
    var token: String?
    var accessToken: String?
    var expiresIn: Double?

    enum CodingKeys: String, CodingKey {
      case token
      case accessToken = "access_token"
      case expiresIn = "expires_in"
    }
  }

  /// Reads a token server's answer.
  ///
  /// - Parameters:
  ///   - body: JSON with `token` or `access_token`.
  ///   - now: seconds on the authorizer's clock.
  /// - Returns: nil when there is no usable token in it.
  init?(_ body: [UInt8], now: Double) {
    guard let document = try? JSONDecoder().decode(Document.self, from: Data(body)),
      let value = [document.token, document.accessToken].compactMap({ $0 }).first(where: {
        !$0.isEmpty
      }), value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    self.value = value
    var lifetime = document.expiresIn ?? Self.defaultLifetime
    if !(lifetime > 0) { lifetime = Self.defaultLifetime }
    // A fifth of the lifetime, at most half a minute, for the request that carries it.
    refreshAt = now + lifetime - min(30, lifetime / 5)
  }
}
