import Transfer

/// The server that gives out a registry's tokens.
package struct TokenService: Sendable, Equatable {
  /// The URL that is asked.
  package var realm: String
  /// The registry's name there.
  package var service: String?

  /// Longest realm and service that are remembered, in bytes.
  private static let lengthLimit = 2048

  /// Makes a token service.
  ///
  /// - Parameters:
  ///   - realm: the URL that is asked.
  ///   - service: the registry's name there.
  package init(realm: String, service: String?) {
    self.realm = realm
    self.service = service
  }

  /// The one that a challenge names; nil: none that is good for the registry's other repositories too.
  ///
  /// - Parameters:
  ///   - challenge: a Bearer challenge.
  ///   - repository: the repository that was asked for.
  init?(_ challenge: Challenge, repository: String) {
    guard let realm = challenge.parameters["realm"], (try? RemoteURL(realm)) != nil,
      // A query may name the repository, or be good for once.
      !realm.contains("?"),
      challenge.scope.map({ $0 == TokenForm.usualScope(repository) }) ?? true
    else { return nil }
    self.init(realm: realm, service: challenge.parameters["service"])
    guard max(realm.utf8.count, service?.utf8.count ?? 0) <= Self.lengthLimit else { return nil }
  }
}
