package import OCI
package import Registry
import Synchronization

/// Lets everybody in to what upstream gives to anybody.
package final class AnonymousDoorkeeper: Doorkeeper {
  /// Makes a client of a repository that is served.
  ///
  /// - Throws: the answer to whoever asks for one that is not.
  package typealias Making = @Sendable (Reference) throws(Refusal) -> RepositoryClient

  /// Why a repository is not served.
  package struct Refusal: Error {
    /// What is said.
    package var answer: Answer

    /// Makes a refusal.
    package init(_ answer: Answer) { self.answer = answer }
  }

  private let make: Making
  private let sessions = Mutex<[String: AnonymousSession]>([:])

  /// Repositories whose clients are kept.
  private static let mostSessions = 256

  /// - Parameter make: makes a client.
  package init(_ make: @escaping Making) { self.make = make }

  package func greeting(for caller: Caller) async -> Answer { .greeting }

  package func admit(_ caller: Caller, to upstream: Upstream) async -> Admission {
    let key = "\(upstream.reference.registry)/\(upstream.reference.repository)"
    if let known = sessions.withLock({ $0[key] }) { return .session(known) }
    do throws(Refusal) {
      let session = AnonymousSession(try make(upstream.reference))
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

  package func reload() async { sessions.withLock { $0 = [:] } }
}

/// What anybody has of one repository.
final class AnonymousSession: ServeSession {
  let client: RepositoryClient
  let source: BlobSource
  private let grants = Mutex<[Digest: Grant]>([:])

  private struct Grant {
    var size: Int64
    var until: ContinuousClock.Instant
  }

  /// For so long upstream's word is good.
  private static let lifetime = Duration.seconds(300)
  /// Grants that are remembered.
  private static let mostGrants = 10_000

  init(_ client: RepositoryClient) {
    self.client = client
    source = BlobSource(client: client)
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

  func refusal(_ error: RegistryError) -> Answer? { nil }
}

extension Answer {
  /// What a registry says to `GET /v2/`.
  package static var greeting: Answer {
    Answer(
      200,
      [("Content-Type", "application/json"), ("Docker-Distribution-Api-Version", "registry/2.0")],
      .bytes(Array("{}".utf8)))
  }
}
