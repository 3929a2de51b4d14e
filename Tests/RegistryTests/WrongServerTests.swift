import CurlTransfer
import Foundation
import Glibc
import OCI
import Support
import Testing
import Transfer

@testable import Registry

/// Those who answer in a registry's place, or stand before it.
@Suite("Wrong servers", .timeLimit(.minutes(10)))
struct WrongServerTests {
  private static let page = "<!DOCTYPE html><html><body>Please log in</body></html>"

  /// What is asked for where a page comes.
  enum Wish: String, CaseIterable, Sendable {
    case tag, digest, tags, token
  }

  private func client(_ reference: Reference, plain: Bool, _ engine: CurlEngine) throws
    -> RepositoryClient
  {
    RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: plain)],
      engine: engine, credentials: CredentialChain(), time: .patient)
  }

  private func error(_ ask: () async throws -> Void) async -> RegistryError? {
    do {
      try await ask()
      return nil
    } catch {
      return error as? RegistryError
    }
  }

  @Test(
    "a web page is called one wherever it comes, and where it came from", arguments: Wish.allCases)
  func page(wish: Wish) async throws {
    let server = try RawServer { request in
      if wish == .token, request.target.hasPrefix("/v2/") {
        let realm = "Bearer realm=\"http://\(request["host"] ?? "")/token\""
        return .status(401, [("WWW-Authenticate", realm)])
      }
      guard request.target.hasPrefix("/portal") else {
        return .status(302, [("Location", "/portal?session=s3cret")])
      }
      return .ok(Self.page, [("Content-Type", "text/html")])
    }
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let client = try client(Reference("\(server.host)/o/n:1"), plain: true, engine)
    let found = await error {
      switch wish {
      case .tag, .token: _ = try await client.document(.tag("1"))
      case .digest:
        let digest = try Digest("sha256:" + String(repeating: "0", count: 64))
        _ = try await client.document(.digest(digest, size: nil))
      case .tags: _ = try await client.tags()
      }
    }
    let words = "a web page (HTML), not a registry's answer, came from http://\(server.host)/portal"
    #expect(found?.message.contains(words) == true, "\(wish): \(String(describing: found))")
    #expect(found?.message.contains("s3cret") == false)
    #expect(found?.hint?.contains("login of this network") == true)
  }

  @Test(
    "what a page says of an error in its title is said, and so is an error that is called a success",
    arguments: [
      (
        400, "<html><head><title>400 No required SSL certificate was sent</title></head></html>",
        "400 No required SSL certificate was sent", "--cert PEM"
      ),
      (404, "<!DOCTYPE html><html><TITLE>\n Not\u{1B}  here</TITLE>", "Not\u{FFFD} here", nil),
      (200, #"{"errors":[{"code":"NAME_UNKNOWN","message":"no such name"}]}"#, "no such name", nil),
    ] as [(Int, String, String, String?)])
  func title(status: Int, body: String, words: String, hint: String?) async throws {
    let server = try RawServer { _ in .status(status, [("Content-Type", "text/html")], body) }
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let client = try client(Reference("\(server.host)/o/n:1"), plain: true, engine)
    let found = await error { _ = try await client.document(.tag("1")) }
    #expect(found?.message.hasSuffix(": \(words)") == true, "\(String(describing: found))")
    if let hint { #expect(found?.hint?.contains(hint) == true) }
  }

  @Test(
    "a proxy that makes no way, or answers nothing that can be read, is named",
    arguments: ["", "SSH-2.0-x\r\n\r\n"], ["https", "http"])
  func proxy(words: String, scheme: String) async throws {
    let proxy = try RawServer { _ in .raw(Array(words.utf8), .close) }
    var settings = TransferSettings()
    settings.stallTimeout = 50
    settings.proxies = ProxyRule(plain: "http://\(proxy.host)", secure: "http://\(proxy.host)")
    let engine = try CurlEngine(settings: settings)
    defer { engine.stop() }
    let client = try client(
      Reference("registry.zoo.test/o/n:1"), plain: scheme == "http", engine)
    let found = await error { _ = try await client.document(.tag("1")) }
    let message = found?.message ?? ""
    #expect(message.contains("the proxy http://\(proxy.host): "), "\(message)")
    #expect(!message.contains("answered 0"))
    #expect(found?.hint?.contains("is it an HTTP proxy") == true)
  }

  @Test("a proxy that lets us through is named beside what comes then")
  func throughProxy() async throws {
    let proxy = try RawServer { request in
      request.method == "CONNECT"
        ? .raw(Array("HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n".utf8), .close) : .status(500)
    }
    var settings = TransferSettings()
    settings.proxies = ProxyRule(secure: "http://\(proxy.host)")
    let engine = try CurlEngine(settings: settings)
    defer { engine.stop() }
    let client = try client(Reference("registry.zoo.test/o/n:1"), plain: false, engine)
    let found = await error { _ = try await client.document(.tag("1")) }
    #expect(found?.message.contains("(by the proxy http://\(proxy.host))") == true)
  }

  @Test("who hangs up on TLS and on plain HTTP ends a pull soon, with what came of both")
  func hangsUp() async throws {
    let listener = try Listener()
    Thread.detachNewThread { listener.hangUp() }
    let engine = try CurlEngine(settings: TransferSettings())
    defer {
      engine.stop()
      listener.stop()
    }
    let client = try client(Reference("localhost:\(listener.port)/o/n:1"), plain: false, engine)
    let found = await error { _ = try await client.document(.tag("1")) }
    #expect(found?.message.contains("by TLS (") == true, "\(String(describing: found))")
    #expect(found?.message.contains("by plain HTTP (") == true)
    #expect(found?.isTransient == false && found?.secondLooks == 3)
    // What it speaks is not known by that.
    #expect(client.ledger.origin(of: client.endpoints[0]).scheme == "https")
  }

  @Test(
    "what a registry's error code says outweighs that it calls it 500",
    arguments: [
      (500, "MANIFEST_UNKNOWN", RegistryError.Kind.notFound, 1),
      (500, "NAME_UNKNOWN", .notFound, 1), (502, "manifest_unknown", .notFound, 1),
      (500, "UNAUTHORIZED", .unauthorised, 1), (500, "DENIED", .unauthorised, 1),
      (500, "NAME_INVALID", .protocolError(transient: false), 1),
      (500, "TOOMANYREQUESTS", .overloaded(retryAfter: nil), 5),
      (500, "UNKNOWN", .serverError(transient: true), 5),
      (503, "MANIFEST_UNKNOWN", .overloaded(retryAfter: nil), 5),
    ] as [(Int, String, RegistryError.Kind, Int)])
  func codes(status: Int, code: String, kind: RegistryError.Kind, again: Int) async throws {
    let body = #"{"errors":[{"code":"\#(code)","message":"some words"}]}"#
    let server = try RawServer { _ in .status(status, [], body) }
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let client = try client(Reference("\(server.host)/o/n:1"), plain: true, engine)
    let found = await error { _ = try await client.document(.tag("1")) }
    #expect(found?.kind == kind, "\(String(describing: found))")
    #expect(found?.message.hasSuffix(": some words") == true)
    let asked = server.requests.count { $0.target.contains("manifests") }
    #expect(asked == 1 + again)
  }

  @Test("what one server lacks in odd words the next one is asked for", arguments: [500, 404])
  func nextServer(status: Int) async throws {
    let body = #"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#
    let mirror = try RawServer { _ in .status(status, [], body) }
    let manifest =
      #"{"schemaVersion":2,"config":{"digest":"sha256:\#(zeros)","size":2},"layers":[]}"#
    let server = try RawServer { _ in
      .ok(manifest, [("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")])
    }
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let reference = try Reference("\(server.host)/o/n:1")
    let endpoints = [
      Endpoint(origin: try RemoteURL("http://\(mirror.host)/").origin),
      try Endpoint(of: reference, plainHTTP: true),
    ]
    let client = RepositoryClient(
      reference: reference, endpoints: endpoints, engine: engine, credentials: CredentialChain(),
      time: .patient)
    for _ in 0..<2 { _ = try await client.document(.tag("1")) }
    // It is not asked again for what it lacks.
    #expect(mirror.requests.map(\.target) == ["/v2/o/n/manifests/1", "/v2/"])
    #expect(server.requests.count == 2)
  }

  private let zeros = String(repeating: "0", count: 64)

  /// A port on which everybody is hung up on, whatever he says.
  final class Listener: Sendable {
    let port: Int
    private let socket: Int32

    init() throws { (socket, port) = try LoopbackListener.open() }

    func hangUp() {
      var byte: UInt8 = 0
      while case let connection = accept(socket, nil, nil), connection >= 0 {
        _ = read(connection, &byte, 1)
        close(connection)
      }
    }

    func stop() {
      shutdown(socket, Int32(SHUT_RDWR))
      close(socket)
    }
  }

  @Test("where no connection is made, a firewall on the way to that very host is thought of")
  func firewall() throws {
    let place = try RemoteURL("https://cdn.test/x").origin
    for (isNamed, kind) in [
      (true, TransferError.Kind.connect), (false, .connect), (true, .unanswered),
    ] {
      let error = RegistryError.transfer(
        TransferError(kind, "no connection within 15 s"), from: place, isNamed: isNamed)
      #expect(error.hint?.contains("firewall") == true && error.hint?.contains("cdn.test") == true)
      #expect(error.isAbsence == (kind == .unanswered))
    }
  }
}
