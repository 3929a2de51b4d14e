import Transfer

/// The server that gives out a registry's tokens, as its challenges name it.
public struct TokenService: Sendable, Equatable {
  /// The URL that is asked.
  public var realm: String
  /// The registry's name there.
  public var service: String?

  /// Longest realm and service that are remembered, in bytes.
  private static let lengthLimit = 2048

  /// Makes a token service.
  ///
  /// - Parameters:
  ///   - realm: the URL that is asked.
  ///   - service: the registry's name there.
  public init(realm: String, service: String?) {
    self.realm = realm
    self.service = service
  }

  /// The one that a challenge names; nil: none, or none to be remembered.
  init?(_ challenge: Challenge) {
    guard let realm = challenge.parameters["realm"] else { return nil }
    self.init(realm: realm, service: challenge.parameters["service"])
    guard max(realm.utf8.count, service?.utf8.count ?? 0) <= Self.lengthLimit,
      (try? RemoteURL(realm)) != nil
    else { return nil }
  }

  /// A challenge that names it.
  var challenge: Challenge {
    var parameters = ["realm": realm]
    parameters["service"] = service
    return Challenge(scheme: "bearer", parameters: parameters)
  }
}
