package import Downloads
package import OCI
package import Registry

/// Says what a caller may ask for, and with whose credentials upstream is asked.
///
/// The rest of the room knows nothing of credentials: it asks here once for each request, and uses
/// what it gets.
package protocol Doorkeeper: Sendable {
  /// What `GET /v2/` is answered: that this is a registry, or a challenge.
  func greeting(for caller: Caller) async -> Answer

  /// Lets a caller in to a repository, or not.
  ///
  /// - Parameters:
  ///   - caller: who asks.
  ///   - upstream: the repository. Its registry is a key into those that are served, and nothing of
  ///     it is dialled before it was found there.
  func admit(_ caller: Caller, to upstream: Upstream) async -> Admission

  /// Reads anew what says who answers for registries.
  func reload() async
}

/// Whether a caller is let in.
package enum Admission: Sendable {
  case session(any ServeSession)
  case refused(Answer)
}

/// What one caller has of one repository: clients that ask upstream as that caller, and what
/// upstream granted.
///
/// One session serves all requests of a caller to a repository, also at the same time, so that what
/// is learned of redirects and tokens serves the next.
package protocol ServeSession: Sendable {
  /// Asks for manifests and tags.
  var client: RepositoryClient { get }
  /// Fetches blobs.
  var source: BlobSource { get }

  /// What upstream granted lately of a manifest or blob with that digest, in this repository and to
  /// this caller.
  ///
  /// - Returns: its size in bytes; nil: it was not asked, or too long ago.
  func granted(_ digest: Digest) -> Int64?

  /// Notes that upstream has granted something, in this repository and to this caller.
  ///
  /// - Parameters:
  ///   - digest: of what it was.
  ///   - size: its size in bytes.
  func grant(_ digest: Digest, size: Int64)

  /// Forgets a grant whose size turned out to be none: upstream is asked again.
  func withdraw(_ digest: Digest)

  /// Who believe the registry.
  var circle: Circle { get }

  /// Notes what a tag means by upstream's word just now.
  ///
  /// - Parameter isSent: whether that is the digest of what it has sent, and not only a header.
  func remember(_ tag: String, _ digest: Digest, size: Int64, isSent: Bool)

  /// Whether a digest is that of what upstream sent for a tag the last time.
  func wasSent(_ digest: Digest, for tag: String) -> Bool

  /// Whether upstream has said what a tag means, however long ago.
  func hasAsked(_ tag: String) -> Bool

  /// What upstream said last of a tag, where that may still be told; nil: nothing.
  func lastAnswer(_ tag: String) -> TagMemory.Known?

  /// The size in bytes of what upstream granted so lately that it may be given while upstream
  /// cannot be asked; nil: nothing.
  func grantedBefore(_ digest: Digest) -> Int64?

  /// The answer to a request that upstream did not grant; nil: the usual one.
  func refusal(_ error: RegistryError) -> Answer?
}

extension ServeSession {
  package var circle: Circle { .named }
  package func remember(_ tag: String, _ digest: Digest, size: Int64, isSent: Bool) {}
  package func wasSent(_ digest: Digest, for tag: String) -> Bool { false }
  package func hasAsked(_ tag: String) -> Bool { true }
  package func lastAnswer(_ tag: String) -> TagMemory.Known? { nil }
  package func grantedBefore(_ digest: Digest) -> Int64? { nil }
}
