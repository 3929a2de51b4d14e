import CurlTransfer
import Foundation
import OCI
import Registry
import Support
import Testing
import Transfer

/// What somebody else shows, who asks through this process.
@Suite("Errand", .timeLimit(.minutes(10)))
struct ErrandTests {
  let engine: CurlEngine

  init() throws { engine = try CurlEngine(settings: TransferSettings()) }

  func client(
    _ server: RawServer, shows: String? = nil, credential: Credential? = nil,
    endpoints: [Endpoint]? = nil
  ) throws -> RepositoryClient {
    let reference = try Reference("\(server.host)/o/n:1")
    var rule = RepositoryClient.RetryRule()
    rule.retries = 0
    rule.hedges = false
    var chain = CredentialChain(explicit: credential)
    chain.explicitRegistry = reference.registry
    return RepositoryClient(
      reference: reference, endpoints: try endpoints ?? [Endpoint(of: reference, plainHTTP: true)],
      engine: engine, credentials: chain, errand: Errand(authorization: shows), retryRule: rule)
  }

  func endpoint(_ server: RawServer) throws -> Endpoint {
    try Endpoint(of: Reference("\(server.host)/o/n"), plainHTTP: true)
  }

  func error(_ client: RepositoryClient) async -> RegistryError? {
    do throws(RegistryError) {
      _ = try await client.document(.tag("1"))
      return nil
    } catch {
      return error
    }
  }

  /// A registry that gives everything for one field, and a token to whoever asks.
  func registry(wants field: String, challenge: String) throws -> RawServer {
    try RawServer { request in
      if request.target.hasPrefix("/token") { return .ok("{\"token\":\"anybody\"}") }
      if request["authorization"] == field { return .ok(ClientTests.manifest) }
      let said = challenge.replacing("HOST", with: request["host"] ?? "")
      return .status(401, [("WWW-Authenticate", said)])
    }
  }

  @Test("what is shown goes along from the first request on, as it came")
  func shows() async throws {
    for field in ["Bearer good", "bearer good", "Basic dTpw", "Bearer a.b-c_d~e+f/g=="] {
      let server = try registry(wants: field, challenge: "Bearer realm=\"http://HOST/token\"")
      _ = try await client(server, shows: field).document(.tag("1"))
      #expect(server.requests.map(\.target) == ["/v2/o/n/manifests/1"])
    }
  }

  @Test("who shows something gets the registry's own challenge for it, and no token is asked for")
  func refuses() async throws {
    let challenge =
      "Bearer realm=\"http://HOST/token\",service=\"s\",scope=\"repository:o/n:pull\",error=\"invalid_token\""
    let server = try registry(wants: "Bearer good", challenge: challenge)
    let error = await error(try client(server, shows: "Bearer bad"))
    #expect(error?.kind == .unauthorised)
    #expect(error?.challenges == [challenge.replacing("HOST", with: server.host)])
    #expect(server.requests.count == 1)
  }

  @Test("who shows nothing and is refused as anybody gets the registry's first challenge")
  func anonymous() async throws {
    let challenge = "Bearer realm=\"http://HOST/token\",service=\"s\""
    let server = try registry(wants: "Bearer good", challenge: challenge)
    let error = await error(try client(server))
    #expect(error?.kind == .unauthorised)
    #expect(error?.challenges == [challenge.replacing("HOST", with: server.host)])
    #expect(
      server.requests.prefix(3).map { $0["authorization"] } == [nil, nil, "Bearer anybody"])
  }

  @Test("neither a mirror nor a server in the registry's place sees what is shown")
  func ownOriginOnly() async throws {
    let mirror = try registry(wants: "nothing", challenge: "Basic realm=\"mirror\"")
    let own = try registry(wants: "Bearer good", challenge: "Basic realm=\"own\"")
    var first = try endpoint(mirror)
    first.registry = own.host
    _ = try await client(own, shows: "Bearer good", endpoints: [first, endpoint(own)])
      .document(.tag("1"))
    #expect(mirror.requests.allSatisfy { $0["authorization"] == nil })
    let error = await error(
      try client(own, credential: .basic(user: "u", password: "p"), endpoints: [first]))
    #expect(error?.kind == .unauthorised && error?.challenges == [])
    #expect(mirror.requests.allSatisfy { $0["authorization"] == nil })
  }

  @Test("where the registry redirects, what is shown does not go along, and no challenge counts")
  func notOverRedirects() async throws {
    let other = try registry(wants: "nothing", challenge: "Basic realm=\"other\"")
    let server = try RawServer { _ in
      .status(307, [("Location", "http://\(other.host)/v2/o/n/manifests/1")])
    }
    let error = await error(try client(server, shows: "Bearer good"))
    #expect(server.requests.allSatisfy { $0["authorization"] == "Bearer good" })
    #expect(!other.requests.isEmpty && other.requests.allSatisfy { $0["authorization"] == nil })
    #expect(error?.challenges == [])
  }

  @Test("a password is exchanged at the token service that the registry names")
  func exchanges() async throws {
    let server = try RawServer { request in
      let host = request["host"] ?? ""
      if request.target.hasPrefix("/token") {
        let isRight = request["authorization"] == "Basic dTpw"
        return isRight ? .ok("{\"token\":\"good\"}") : .status(401)
      }
      if request["authorization"] == "Bearer good" { return .ok(ClientTests.manifest) }
      return .status(
        401, [("WWW-Authenticate", "Bearer realm=\"http://\(host)/token\",service=\"s\"")])
    }
    _ = try await client(server, credential: .basic(user: "u", password: "p")).document(.tag("1"))
    let wrong = await error(try client(server, credential: .basic(user: "u", password: "x")))
    #expect(wrong?.kind == .unauthorised)
  }
}
