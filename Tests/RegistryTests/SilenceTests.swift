import CurlTransfer
import Foundation
import Glibc
import OCI
import Support
import Testing
import Transfer

@testable import Registry

/// Servers and proxies that take connections and say nothing.
@Suite("Silence", .timeLimit(.minutes(10)))
struct SilenceTests {
  private func error(_ client: RepositoryClient) async -> RegistryError? {
    do {
      _ = try await client.document(.tag("1"))
      return nil
    } catch {
      return error
    }
  }

  @Test("who is silent to TLS and to plain HTTP is named with both, after one more look")
  func silentToBoth() async throws {
    let (socket, port) = try LoopbackListener.open()
    defer { close(socket) }
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let asked = Log<TransferRequest>()
    let (client, waits) = try silence("localhost:\(port)/o/n:1", engine) { asked.add($0) }
    let found = await error(client)
    // The second look has no more patience than the first.
    #expect(Set(asked.all.compactMap(\.headTimeout)) == [1])
    #expect(
      found?.message.contains(
        "says nothing, by TLS (the TLS handshake had no end within 1 s) and by plain HTTP (")
        == true, "\(String(describing: found))")
    #expect(found?.hint?.contains("--stall-timeout") == true)
    #expect(found?.isStall == true && waits.all.count == 1)
    #expect(client.ledger.origin(of: client.endpoints[0]).scheme == "https")
  }

  @Test("a handshake of TLS without an end has a hint, and ends as silence does")
  func silentHandshake() async throws {
    let (socket, port) = try LoopbackListener.open()
    defer { close(socket) }
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let (client, waits) = try silence("127.0.0.1:\(port)/o/n:1", engine, isPlainAllowed: false)
    let found = await error(client)
    #expect(found?.message.contains("the TLS handshake had no end within 1 s") == true)
    #expect(found?.hint?.contains("a firewall may stop it") == true)
    #expect(found?.isStall == true && waits.all.count == client.retryRule.stalls - 1)
  }

  @Test(
    "a proxy that says nothing is named as soon as a registry would be, and ends as silence does")
  func silentProxy() async throws {
    let (socket, port) = try LoopbackListener.open()
    defer { close(socket) }
    var settings = TransferSettings()
    settings.proxies = ProxyRule(secure: "http://127.0.0.1:\(port)")
    settings.connectTimeout = 1
    let engine = try CurlEngine(settings: settings)
    defer { engine.stop() }
    let late = Gate()
    let reference = try Reference("registry.zoo.test/o/n:1")
    let (waits, lates) = (Log<String>(), Log<String>())
    var time = Timekeeper()
    time.sleep = { _ in }
    time.limit = { _ in await late.opened() }
    let client = RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: false)],
      engine: SignallingEngine(engine: engine) { _ in late.open() }, credentials: CredentialChain(),
      time: time
    ) { notice in
      switch notice {
      case .waiting(_, let because): waits.add(because)
      case .late(_, let because): lates.add(because)
      default: break
      }
    }
    let found = await error(client)
    let message = found?.message ?? ""
    #expect(
      message.contains("the proxy http://127.0.0.1:\(port): CONNECT had no answer within 1 s"),
      "\(message)")
    #expect(found?.hint?.contains("is it an HTTP proxy") == true)
    #expect(found?.isStall == true && waits.all.count == client.retryRule.stalls - 1)
    let said = lates.all.first ?? ""
    #expect(said.hasPrefix("has not answered through the proxy http://127.0.0.1:\(port) for "))
  }

  /// A client of a server that is silent, and what it says when it waits before it asks again.
  private func silence(
    _ name: String, _ engine: CurlEngine, isPlainAllowed: Bool = true,
    begins: @escaping @Sendable (TransferRequest) -> Void = { _ in }
  ) throws -> (RepositoryClient, Log<String>) {
    let reference = try Reference(name)
    var endpoint = try Endpoint(of: reference, plainHTTP: false)
    // Time enough for a busy machine to see that there is a connection.
    endpoint.access.connectTimeout = 1
    if !isPlainAllowed { endpoint.allowsPlainFallback = false }
    var time = Timekeeper()
    time.sleep = { _ in }
    var rule = RepositoryClient.RetryRule()
    rule.silenceLimit = 1
    let waits = Log<String>()
    let client = RepositoryClient(
      reference: reference, endpoints: [endpoint],
      engine: SignallingEngine(engine: engine, begins: begins), credentials: CredentialChain(),
      retryRule: rule, time: time
    ) { if case .waiting(_, let because) = $0 { waits.add(because) } }
    return (client, waits)
  }

  /// An engine that says when a request begins.
  private struct SignallingEngine: TransferEngine {
    let engine: CurlEngine
    let begins: @Sendable (TransferRequest) -> Void

    func start(
      _ request: TransferRequest,
      decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination,
      ended: @escaping @Sendable (Result<TransferResponse, TransferError>) -> Void
    ) -> TransferHandle {
      defer { begins(request) }
      return engine.start(request, decide: decide, ended: ended)
    }

    func cancel(_ handle: TransferHandle) { engine.cancel(handle) }
    func readings() -> EngineReadings { engine.readings() }
    func proxy(of request: TransferRequest) -> String? { engine.proxy(of: request) }
  }
}
