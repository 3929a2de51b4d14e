import FoundationEssentials

/// A bearer token and when to get a new one.
struct Token: Sendable, Equatable {
  let value: String
  /// Seconds on the authorizer's clock after which a new one is fetched before use.
  let refreshAt: Double

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
      let value = [document["token"], document["access_token"]].compactMap({ $0?.string })
        .first(where: { !$0.isEmpty }),
      value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    self.value = value
    var lifetime = document["expires_in"]?.number ?? Self.defaultLifetime
    if !(lifetime > 0 && lifetime.isFinite) { lifetime = Self.defaultLifetime }
    // A fifth of the lifetime, at most half a minute, for the request that carries it.
    refreshAt = now + lifetime - min(30, lifetime / 5)
  }
}
