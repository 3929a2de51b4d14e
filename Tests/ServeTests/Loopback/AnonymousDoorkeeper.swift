import Downloads
import OCI
import Registry
import Synchronization

@testable import Serve

/// Lets everybody in to what upstream gives to anybody: the front is tried without the rules about callers.
final class AnonymousDoorkeeper: Doorkeeper {
  /// Makes a client of a repository that is served.
  ///
  /// - Throws: the answer to whoever asks for one that is not.
  typealias Making = @Sendable (Reference) throws(Refusal) -> RepositoryClient

  /// Why a repository is not served.
  struct Refusal: Error {
    /// What is said.
    var answer: Answer

    /// Makes a refusal.
    init(_ answer: Answer) { self.answer = answer }
  }

  private let make: Making
  /// Whether its owner named a registry.
  private let isNamed: @Sendable (String) -> Bool
  private let sessions = Mutex<[String: AnonymousSession]>([:])

  /// Repositories whose clients are kept.
  private static let mostSessions = 256

  /// - Parameters:
  ///   - isNamed: whether its owner named a registry.
  ///   - make: makes a client.
  init(isNamed: @escaping @Sendable (String) -> Bool = { _ in true }, _ make: @escaping Making) {
    (self.isNamed, self.make) = (isNamed, make)
  }

  func greeting(for caller: Caller) async -> Answer { .greeting }

  func admit(_ caller: Caller, to upstream: Upstream) async -> Admission {
    let key = "\(upstream.reference.registry)/\(upstream.reference.repository)"
    if let known = sessions.withLock({ $0[key] }) { return .session(known) }
    do throws(Refusal) {
      let session = AnonymousSession(
        try make(upstream.reference), isNamed: isNamed(upstream.reference.registry))
      return .session(
        sessions.withLock { sessions in
          // Who asked at the same time shares it.
          if let known = sessions[key] { return known }
          if sessions.count >= Self.mostSessions { sessions = [:] }
          sessions[key] = session
          return session
        })
    } catch {
      return .refused(error.answer)
    }
  }

  func reload() async { sessions.withLock { $0 = [:] } }
}

/// What anybody has of one repository.
final class AnonymousSession: ServeSession {
  let client: RepositoryClient
  let source: BlobSource
  let circle: Circle
  private let grants = Mutex<[Digest: Grant]>([:])

  private struct Grant {
    var size: Int64
    var until: ContinuousClock.Instant
  }

  /// For so long upstream's word is good.
  private static let lifetime = Duration.seconds(300)
  /// Grants that are remembered.
  private static let mostGrants = 10_000

  init(_ client: RepositoryClient, isNamed: Bool) {
    self.client = client
    source = BlobSource(client: client)
    circle = isNamed ? .named : .alone(registry: source.registry)
  }

  func granted(_ digest: Digest) -> Int64? {
    grants.withLock { grants in
      guard let grant = grants[digest], grant.until > .now else { return nil }
      return grant.size
    }
  }

  func grant(_ digest: Digest, size: Int64) {
    grants.withLock { grants in
      if grants.count >= Self.mostGrants { grants = [:] }
      grants[digest] = Grant(size: size, until: .now + Self.lifetime)
    }
  }

  func withdraw(_ digest: Digest) { grants.withLock { $0[digest] = nil } }

  func refusal(_ error: RegistryError) -> Answer? { nil }
}
