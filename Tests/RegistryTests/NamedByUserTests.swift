import CurlTransfer
import OCI
import Registry
import Support
import Testing
import Transfer

/// An engine that notes which addresses each request may lead to.
private struct NotingEngine: TransferEngine {
  let engine: CurlEngine
  let rules = Log<(origin: RemoteURL.Origin, rule: AddressRule)>()

  func start(
    _ request: TransferRequest,
    decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination,
    ended: @escaping @Sendable (Result<TransferResponse, TransferError>) -> Void
  ) -> TransferHandle {
    rules.add((request.url.origin, request.addresses))
    return engine.start(request, decide: decide, ended: ended)
  }

  func cancel(_ handle: TransferHandle) { engine.cancel(handle) }
  func readings() -> EngineReadings { engine.readings() }
  func proxy(of request: TransferRequest) -> String? { engine.proxy(of: request) }

  /// The rules of all requests to a server.
  func rules(for server: RawServer) throws -> Set<AddressRule> {
    let origin = try RemoteURL("http://\(server.host)/").origin
    return Set(rules.all.filter { $0.origin == origin }.map(\.rule))
  }
}

@Suite("Who may be anywhere", .timeLimit(.minutes(10)))
struct NamedByUserTests {
  private static func client(
    _ server: RawServer, _ engine: NotingEngine
  ) throws -> RepositoryClient {
    let reference = try Reference("\(server.host)/o/n:1")
    return RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: true)],
      engine: engine, credentials: CredentialChain())
  }

  private static func challenge(_ request: ServedRequest) -> Reply? {
    if request.target.hasPrefix("/token") { return .ok(#"{"token":"t"}"#) }
    guard request["authorization"] != "Bearer t" else { return nil }
    let realm = "http://\(request["host"] ?? "")/token"
    return .status(401, [("WWW-Authenticate", "Bearer realm=\"\(realm)\",service=\"s\"")])
  }

  @Test("the registry that the user named, and its tokens, may be at any address")
  func named() async throws {
    let engine = NotingEngine(engine: try CurlEngine(settings: TransferSettings()))
    defer { engine.engine.stop() }
    let server = try RawServer { Self.challenge($0) ?? .ok(ClientTests.manifest) }
    _ = try await Self.client(server, engine).document(.tag("1"))
    #expect(try engine.rules(for: server) == [.anywhere])
  }

  @Test(
    "a place that a server chose leads to no metadata service, nor does the token service it names at itself"
  )
  func chosen() async throws {
    let engine = NotingEngine(engine: try CurlEngine(settings: TransferSettings()))
    defer { engine.engine.stop() }
    let other = try RawServer { Self.challenge($0) ?? .ok(ClientTests.manifest) }
    let server = try RawServer { request in
      .status(307, [("Location", "http://\(other.host)\(request.target)")])
    }
    _ = try await Self.client(server, engine).document(.tag("1"))
    #expect(other.requests.contains { $0.target.hasPrefix("/token") })
    #expect(try engine.rules(for: other) == [.notLinkLocal])
  }
}
