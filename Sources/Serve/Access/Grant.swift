import OCI

/// That upstream gives something of a repository to a caller.
///
/// The same digest in another repository, or for another caller, is another grant.
struct Grant: Hashable, Sendable {
  /// As in a reference.
  var registry: String
  /// Its path there.
  var repository: String
  /// A manifest's or a blob's.
  var digest: Digest
  /// Who may have it.
  var caller: CallerKey

  var place: CallersRepository {
    CallersRepository(registry: registry, repository: repository, caller: caller)
  }
}
