import CurlTransfer
import Foundation
import OCI
import Support
import Testing
import Transfer

@testable import Registry

/// Registries that say at `/v2/` alone how one is let in, to those who have no login.
@Suite("The API's root, without a login", .timeLimit(.minutes(10)))
struct RootTests {
  private static let none = #"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#

  let engine: CurlEngine

  init() throws {
    var settings = TransferSettings()
    settings.stallTimeout = 50
    engine = try CurlEngine(settings: settings)
  }

  private func client(
    _ server: RawServer, _ reference: String = "o/n:1", mirror: RawServer? = nil,
    _ chain: CredentialChain = CredentialChain(), _ logins: SharedLogins? = nil
  ) throws -> RepositoryClient {
    let reference = try Reference("\(server.host)/\(reference)")
    var endpoints = [try Endpoint(of: reference, plainHTTP: true)]
    if let mirror {
      let place = try RemoteURL("http://\(mirror.host)/").origin
      endpoints.insert(Endpoint(origin: place, namespace: server.host), at: 0)
    }
    return RepositoryClient(
      reference: reference, endpoints: endpoints, engine: engine, credentials: chain,
      logins: logins, time: .patient)
  }

  /// One that answers who has no token by a status, and gives anybody one.
  private func server(_ status: Int, token: Reply = .ok(#"{"token":"good"}"#)) throws -> RawServer {
    try RawServer { request in
      if request.target.hasPrefix("/token") { return token }
      if request["authorization"] == "Bearer good" { return .ok(ClientTests.manifest) }
      guard request.target == "/v2/" else { return .status(status) }
      return .status(401, ClientTests.challenge("http://\(request["host"] ?? "")/token"))
    }
  }

  @Test(
    "is asked what it wants, by tag and by digest, at the registry and at a mirror",
    arguments: [400, 401, 403, 404], [false, true])
  func asked(status: Int, isMirror: Bool) async throws {
    let digest = try Digest.of(Data(ClientTests.manifest.utf8), .sha256)
    for (name, subject) in [
      ("o/n:1", DocumentName.tag("1")), ("o/n@\(digest)", .digest(digest, size: nil)),
    ] {
      let (one, registry) = (try server(status), try RawServer { _ in .status(500) })
      let client = try isMirror ? client(registry, name, mirror: one) : client(one, name)
      _ = try await client.document(subject)
      #expect(one.requests.count == 4)
      #expect(registry.requests.isEmpty)
      #expect(one.requests.allSatisfy { $0["authorization"].map { $0 == "Bearer good" } ?? true })
    }
  }

  @Test("that wants nothing, or a login, is asked once a run, and changes no answer")
  func once() async throws {
    let challenges = [[], [("WWW-Authenticate", "Basic realm=\"x\"")]]
    for challenge in challenges {
      let server = try RawServer { request in
        request.target == "/v2/"
          ? .status(challenge.isEmpty ? 200 : 401, challenge) : .status(404, [], Self.none)
      }
      let logins = SharedLogins()
      for name in ["o/a", "o/b", "o/b", "o/c"] {
        let error = await #expect(throws: RegistryError.self) {
          try await client(server, name + ":1", CredentialChain(), logins).document(.tag("1"))
        }
        #expect(error?.kind == .notFound)
      }
      #expect(server.requests.count { $0.target == "/v2/" } == 1)
      #expect(server.requests.count == 5)
      #expect(server.requests.allSatisfy { $0["authorization"] == nil })
    }
  }

  @Test("whose token service gives nothing changes no answer", arguments: [401, 403, 404])
  func useless(status: Int) async throws {
    let server = try server(404, token: .status(status))
    let error = await #expect(throws: RegistryError.self) {
      try await client(server).document(.tag("1"))
    }
    #expect(error?.kind == .notFound)
  }

  @Test("is not asked where a challenge was given, or a token")
  func given() async throws {
    let server = try RawServer { request in
      if request.target.hasPrefix("/token") { return .ok(#"{"token":"good"}"#) }
      if request["authorization"] == "Bearer good" { return .status(404, [], Self.none) }
      return .status(401, ClientTests.challenge("http://\(request["host"] ?? "")/token"))
    }
    let client = try client(server)
    for tag in ["1", "2"] {
      _ = await #expect(throws: RegistryError.self) { try await client.document(.tag(tag)) }
    }
    #expect(!server.requests.contains { $0.target == "/v2/" })
  }
}
