package import Registry

/// A user's name and password for a registry; never printed.
public struct RegistryLogin: Sendable, Hashable, CustomStringConvertible,
  CustomDebugStringConvertible,
  CustomReflectable
{
  /// The user's name.
  public var user: String
  /// The password, or a token that is used as one.
  public var password: String

  /// Makes a login.
  public init(user: String, password: String) {
    self.user = user
    self.password = password
  }

  /// Hides the password.
  public var description: String { "user \(user)" }
  /// Hides the password.
  public var debugDescription: String { description }
  /// Hides the password.
  public var customMirror: Mirror { Mirror(self, children: ["user": user]) }

  package var credential: Credential { .basic(user: user, password: password) }
}
