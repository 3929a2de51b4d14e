import Registry

/// As whom upstream is asked for a caller.
enum CallerIdentity: Sendable, Equatable {
  /// As anybody.
  case anonymous
  /// With what the caller shows, as it came: he has it of the registry itself, or of its token service.
  case shows(String)
  /// With what the caller answered a challenge of this endpoint's own: it is exchanged at the registry.
  case has(Credential)
  /// As this endpoint's owner.
  case owner

  /// Decides it.
  ///
  /// Podman and skopeo send one credential with every request to this endpoint, whatever registry
  /// its path names: it is for those that its owner said to be private, and nobody else gets to see
  /// it.
  ///
  /// - Parameters:
  ///   - form: how the request names its registry.
  ///   - isPrivate: whether this endpoint has its own challenge for that one.
  ///   - credential: what the request shows.
  ///   - isOwner: whether the owner's own credentials are used for the caller.
  init(
    form: Upstream.Form, isPrivate: Bool, credential: CallerCredential, isOwner: Bool
  ) {
    if let field = credential.field, form == .query {
      self = .shows(field)
    } else if let credential = credential.credential, form == .path, isPrivate {
      self = .has(credential)
    } else {
      self = isOwner ? .owner : .anonymous
    }
  }
}
