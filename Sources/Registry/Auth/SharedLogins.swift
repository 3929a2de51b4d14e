import Synchronization

/// The logins and tokens of one run: all clients of a registry share them.
package final class SharedLogins: Sendable {
  /// What credential helpers answered.
  package let helpers = HelperAnswers()
  private let authorizers = Mutex<[String: Authorizer]>([:])

  /// None is known yet.
  package init() {}

  /// The registry's authorizer; made by whoever comes first.
  func authorizer(of registry: String, make: () -> Authorizer) -> Authorizer {
    authorizers.withLock { authorizers in
      let authorizer = authorizers[registry] ?? make()
      authorizers[registry] = authorizer
      return authorizer
    }
  }
}
