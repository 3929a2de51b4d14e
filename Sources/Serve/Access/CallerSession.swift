import Downloads
import Hashing
import OCI
import Registry
import Synchronization

/// What one caller has of one repository.
///
/// The session of a caller with credentials lives while a request or a download of his does: then
/// they are gone.
final class CallerSession: ServeSession {
  /// Tells one session from another.
  struct Key: Hashable {
    var registry: String
    var repository: String
    var caller: CallerKey
    /// Who names registries by paths has other challenges.
    var form: Upstream.Form
    /// Whom the caller came through is said upstream.
    var via = ViaChain.empty

    var place: CallersRepository {
      CallersRepository(registry: registry, repository: repository, caller: caller)
    }
  }

  let client: RepositoryClient
  let source: BlobSource
  private let key: Key
  private let ledger: SharedLedger
  private let tags: SharedTags
  private let isPrivate: Bool
  let circle: Circle

  /// - Parameter client: makes the client, which tells whatever upstream denies: so what was known of that is
  ///   forgotten, by whichever way it was asked for.
  init(
    _ key: Key, standing: ServedRegistries.Standing, ledger: SharedLedger, tags: SharedTags,
    client: (_ withheld: @escaping @Sendable (Withheld) -> Void) -> RepositoryClient
  ) {
    let client = client { [key, ledger, tags] in Self.forget($0, of: key, in: ledger, tags) }
    self.client = client
    self.key = key
    isPrivate = standing == .named(isPrivate: true)
    circle = standing == .anyPublic ? .alone(registry: key.registry) : .named
    self.ledger = ledger
    self.tags = tags
    // What is fetched ahead of need is asked for as this caller: that upstream gives it is its word.
    source = BlobSource(client: client) { [key, ledger, tags] blob in
      Self.note(Self.grant(of: blob.digest, to: key), size: blob.size, in: ledger, tags)
    }
  }

  private static func grant(of digest: Digest, to key: Key) -> Grant {
    Grant(registry: key.registry, repository: key.repository, digest: digest, caller: key.caller)
  }

  private static func note(
    _ grant: Grant, size: Int64, in ledger: SharedLedger, _ tags: SharedTags
  ) {
    ledger.note(grant, size: size)
    tags.note(grant, size: size)
  }

  /// Forgets what upstream gives no more, also for when it cannot be asked.
  private static func forget(
    _ withheld: Withheld, of key: Key, in ledger: SharedLedger, _ tags: SharedTags
  ) {
    switch withheld {
    case .repository:
      ledger.withdraw(key.place)
      tags.forget(key.place)
    case .subject(.tag(let tag)): tags.forget(tagKey(tag, of: key))
    case .subject(.manifest(let digest)), .subject(.blob(let digest)):
      let grant = grant(of: digest, to: key)
      ledger.withdraw(grant)
      tags.withdraw(grant)
    case .subject(.list): break
    }
  }

  private func grant(of digest: Digest) -> Grant { Self.grant(of: digest, to: key) }

  func granted(_ digest: Digest) -> Int64? { ledger.size(grant(of: digest)) }

  func grant(_ digest: Digest, size: Int64) {
    Self.note(grant(of: digest), size: size, in: ledger, tags)
  }

  func withdraw(_ digest: Digest) {
    ledger.withdraw(grant(of: digest))
    tags.withdraw(grant(of: digest))
  }

  func grantedBefore(_ digest: Digest) -> Int64? {
    guard tags.staleSeconds > 0 else { return nil }
    let grant = grant(of: digest)
    return ledger.size(grant, lifetime: max(tags.staleSeconds, GrantLedger.lifetime))
      ?? tags.size(grant)
  }

  private func tagKey(_ tag: String) -> TagMemory.Key { Self.tagKey(tag, of: key) }

  private static func tagKey(_ tag: String, of key: Key) -> TagMemory.Key {
    TagMemory.Key(
      registry: key.registry, repository: key.repository, tag: tag, caller: key.caller)
  }

  func remember(_ tag: String, _ digest: Digest, size: Int64, isSent: Bool) {
    tags.note(tagKey(tag), digest, size: size, isSent: isSent)
  }

  func wasSent(_ digest: Digest, for tag: String) -> Bool { tags.wasSent(tagKey(tag), digest) }

  func hasAsked(_ tag: String) -> Bool { tags.knows(tagKey(tag)) }

  func lastAnswer(_ tag: String) -> TagMemory.Known? { tags.answer(tagKey(tag)) }

  /// Whether upstream may mean by it that it wants credentials: token services have many words for
  /// "not to nobody".
  private func mayBeForOthers(_ error: RegistryError) -> Bool {
    guard isPrivate, key.form == .path, key.caller == .anonymous else { return false }
    switch error.kind {
    case .serverError(transient: false), .protocolError(transient: false): return true
    default: return false
    }
  }

  func refusal(_ error: RegistryError) -> Answer? {
    guard error.kind == .unauthorised || mayBeForOthers(error) else { return nil }
    let challenges: [String]
    switch key.form {
    case .query: challenges = error.challenges
    case .path: challenges = isPrivate ? [CallerDoorkeeper.challenge] : []
    }
    return ServeRefusal.unauthorized(error.description, challenges: challenges).answer
  }
}

/// The grants of all sessions, by one clock.
final class SharedLedger: Sendable {
  private let grants = Mutex(GrantLedger())
  private let now: @Sendable () -> Double

  /// - Parameter now: seconds of a clock that never goes back.
  init(now: @escaping @Sendable () -> Double) { self.now = now }

  func size(_ grant: Grant, lifetime: Double = GrantLedger.lifetime) -> Int64? {
    let now = now()
    return grants.withLock { $0.size(grant, lifetime: lifetime, now: now) }
  }

  func withdraw(_ grant: Grant) { grants.withLock { $0.withdraw(grant) } }

  func withdraw(_ place: CallersRepository) { grants.withLock { $0.withdraw(place) } }

  func note(_ grant: Grant, size: Int64) {
    let now = now()
    grants.withLock { $0.note(grant, size: size, now: now) }
  }
}
