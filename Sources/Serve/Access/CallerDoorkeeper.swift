import Hashing
import OCI
import Registry
import Synchronization
import Transfer

/// Lets each caller in to what upstream gives him.
///
/// What he shows is used for his own questions and fetches, at the registry that it is for; what is
/// remembered of it is a keyed hash, with a key of this process.
package final class CallerDoorkeeper: Doorkeeper {
  /// This endpoint's own challenge, for whoever names registries by paths.
  static let challenge = "Basic realm=\"cairn serve\""

  private let clients: UpstreamClients
  private let owner: OwnerRule
  private let hash = KeyedHash()
  private let ledger: SharedLedger
  private let tags: SharedTags
  private let sessions = Mutex(SessionShelf())
  /// What files say of repositories, until they are read anew.
  private let found = Mutex<[Reference: UpstreamClients.Found]>([:])

  /// Repositories of which is kept what files say.
  private static let mostFound = 256

  /// Makes one.
  ///
  /// - Parameters:
  ///   - clients: makes clients of repositories that are served.
  ///   - owner: for whom the owner's own credentials are used.
  ///   - tags: what tags meant.
  ///   - now: seconds of a clock that never goes back.
  package init(
    _ clients: UpstreamClients, owner: OwnerRule, tags: SharedTags = SharedTags(),
    now: @escaping @Sendable () -> Double = Timekeeper.monotonicSeconds
  ) {
    self.clients = clients
    self.owner = owner
    self.tags = tags
    ledger = SharedLedger(now: now)
  }

  package func greeting(for caller: Caller) async -> Answer {
    do throws(ServeRefusal) {
      let credential = try self.credential(of: caller)
      if clients.registries.hasPrivate, credential == .none, !isOwner(caller) {
        throw .unauthorized(
          "some registries here want credentials", challenges: [Self.challenge])
      }
      return .greeting
    } catch {
      return error.answer
    }
  }

  package func admit(_ caller: Caller, to upstream: Upstream) async -> Admission {
    do throws(ServeRefusal) {
      let credential = try self.credential(of: caller)
      guard !caller.via.isRing(for: clients.name) else {
        throw ServeRefusal(
          status: 508, code: .unavailable,
          message: "this endpoint has asked itself, by way of one of its mirrors")
      }
      let found = try find(upstream.reference)
      let identity = CallerIdentity(
        form: upstream.form, isPrivate: found.isPrivate, credential: credential,
        isOwner: isOwner(caller))
      let key = CallerSession.Key(
        registry: upstream.reference.registry, repository: upstream.reference.repository,
        caller: try self.key(identity, credential), form: upstream.form, via: caller.via)
      if let known = sessions.withLock({ $0.session(key) }) { return .session(known) }
      let service = await clients.tokenService(key.registry)
      return .session(
        sessions.withLock { sessions in
          if let known = sessions.session(key) { return known }
          let new = CallerSession(key, standing: found.standing, ledger: ledger, tags: tags) {
            clients.client(found, as: identity, caller.via, tokensFrom: service, withheld: $0)
          }
          sessions.add(new, key)
          return new
        })
    } catch {
      return .refused(error.answer)
    }
  }

  package func reload() async {
    found.withLock { $0 = [:] }
    sessions.withLock { $0.clear() }
  }

  private func find(_ reference: Reference) throws(ServeRefusal) -> UpstreamClients.Found {
    if let known = found.withLock({ $0[reference] }) { return known }
    let new = try clients.find(reference)
    found.withLock {
      if $0.count >= Self.mostFound { $0 = [:] }
      $0[reference] = new
    }
    return new
  }

  /// What a caller shows, where he may show something over his connection.
  private func credential(of caller: Caller) throws(ServeRefusal) -> CallerCredential {
    let credential = try CallerCredential(caller.authorization)
    guard credential == .none || caller.isEncrypted || caller.peer.isGuarded else {
      throw .forbidden(
        "credentials are not taken from another machine over a connection without TLS (--tls-cert)"
      )
    }
    return credential
  }

  private func isOwner(_ caller: Caller) -> Bool {
    owner.isOn && owner.includes(user: caller.peer.user)
  }

  private func key(_ identity: CallerIdentity, _ credential: CallerCredential)
    throws(ServeRefusal) -> CallerKey
  {
    switch identity {
    case .anonymous: return .anonymous
    case .owner: return .owner
    case .shows, .has:
      guard let field = credential.field, let value = try? hash.hash(field) else {
        throw ServeRefusal(status: 500, code: .unknown, message: "libcrypto cannot hash")
      }
      return .holder(value)
    }
  }
}

extension Caller.Peer {
  /// Whether nobody else can listen on the way: it never leaves this machine.
  var isGuarded: Bool {
    switch self {
    case .process: true
    case .network: connection?.isLoopback ?? false
    }
  }

  /// Whose process it is; nil: not known, or not of this machine.
  var user: UInt32? {
    switch self {
    case .process(let user): user
    case .network: connection.flatMap { PeerOwner.user(at: $0.reversed) }
    }
  }

  /// The connection as this end sees it.
  private var connection: SocketDiagnosis.Connection? {
    guard case .network(let address, let port, let own, let ownPort) = self,
      let remote = HostAddress.bytes(address), let local = HostAddress.bytes(own),
      local.count == remote.count, let remotePort = UInt16(exactly: port),
      let localPort = UInt16(exactly: ownPort)
    else { return nil }
    return SocketDiagnosis.Connection(
      local: local, localPort: localPort, remote: remote, remotePort: remotePort)
  }
}
