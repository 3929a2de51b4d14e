package import OCI

/// What of a repository a question is about.
package enum Subject: Hashable, Sendable {
  /// What a tag means.
  case tag(String)
  /// A manifest or an index.
  case manifest(Digest)
  case blob(Digest)
  /// A page of tags or of referrers.
  case list

  init(_ name: DocumentName) {
    switch name {
    case .tag(let tag): self = .tag(tag)
    case .digest(let digest, _): self = .manifest(digest)
    }
  }
}

/// What whoever answers for a repository does not give, by its last word.
package enum Withheld: Hashable, Sendable {
  /// Anything of the repository, to whom it was asked for.
  case repository
  /// This alone.
  case subject(Subject)

  /// Not so, not without paying, not by law.
  private static let refusals: Set<Int> = [400, 402, 451]

  /// - Returns: nil where nothing was denied: nobody was there, or what came was of no use.
  init?(_ error: RegistryError, of subject: Subject) {
    switch (error.kind, subject) {
    // It may be the word of a place where the registry has its blobs, about this one.
    case (.unauthorised, .blob): self = .subject(subject)
    // Lists are for others than those who may pull, at some.
    case (.unauthorised, .list): self = .subject(subject)
    // A registry lets in to repositories.
    case (.unauthorised, _): self = .repository
    case (.notFound, _): self = error.deniesRepository ? .repository : .subject(subject)
    // A registry's other words for what it does not give.
    case (.protocolError(transient: false), _) where Self.refusals.contains(error.status ?? 0):
      self = .subject(subject)
    default: return nil
    }
  }
}
