import Foundation
import Support
import Testing

/// Passwords, tokens and signed addresses: where they may not turn up.
@Suite("Secrets", .timeLimit(.minutes(10)), .serialized)
struct SecretTests {
  static let secrets = [
    "hunter2", Data("user:hunter2".utf8).base64EncodedString(), "bearer-of-secrets", "s1gnature",
  ]

  /// Who answers with an error that repeats all that it was sent.
  enum Echo: CaseIterable {
    case nobody, tokenServer, registry, blobHost
    /// For the moment only, so that it is asked again, which is logged.
    case busyRegistry
  }

  static func echo(_ request: ServedRequest, status: Int = 403) -> Reply {
    let sent = request["authorization"] ?? "nothing"
    let basic = sent.split(separator: " ").last.flatMap { Data(base64Encoded: String($0)) }
    let words = [
      "refused", request.target, sent, String(decoding: basic ?? Data(), as: UTF8.self),
      request.target.split(separator: "=").last.map(String.init) ?? "",
    ]
    let body = #"{"errors":[{"code":"DENIED","message":"\#(words.joined(separator: " "))"}]}"#
    return .status(status, [("Content-Type", "application/json")], body)
  }

  /// A registry that wants a password for a token, and redirects blobs to a signed address.
  func registry(_ image: FakeImage, _ echoing: Echo) throws -> (RawServer, RawServer) {
    let blobs = try RawServer { request in
      guard request.target.contains("X-Amz-Signature=s1gnature") else { return .status(400) }
      return echoing == .blobHost ? Self.echo(request) : FakeRegistry.answer(request, image)
    }
    let registry = try RawServer { request in
      let host = request["host"] ?? ""
      if request.target.hasPrefix("/token") {
        guard request["authorization"]?.hasPrefix("Basic ") == true else { return .status(401) }
        return echoing == .tokenServer
          ? Self.echo(request) : .ok(#"{"token":"bearer-of-secrets"}"#)
      }
      guard request["authorization"] == "Bearer bearer-of-secrets" else {
        return .status(401, [("WWW-Authenticate", "Bearer realm=\"http://\(host)/token\"")])
      }
      if echoing == .registry { return Self.echo(request) }
      if echoing == .busyRegistry { return Self.echo(request, status: 503) }
      guard request.target.contains("/blobs/") else { return FakeRegistry.answer(request, image) }
      let location = "http://\(blobs.host)\(request.target)?X-Amz-Signature=s1gnature"
      return .status(307, [("Location", location)])
    }
    return (registry, blobs)
  }

  @Test("are in no log, trace, error, history, store or output", arguments: Echo.allCases)
  func staySecret(echoing: Echo) async throws {
    let image = try FakeImage(layers: [Content.bytes(300_000, seed: 1)])
    let (server, blobs) = try registry(image, echoing)
    let cairn = try Command()
    let outcome = try await cairn(
      "pull", "\(server.host)/o/n", "--plain-http", "--creds", "user:hunter2", "--log-level",
      "debug", "--progress", "json", "--explain", "--trace", cairn.folder("trace"), "--history",
      cairn.folder("history.sqlite"), "--output", "oci:\(cairn.folder("out"))", "--retries", "1")
    let expected: Int32 =
      switch echoing {
      case .nobody: 0
      // No login is for a place that the registry leads to.
      case .busyRegistry, .blobHost: 69
      default: 77
      }
    #expect(outcome.status == expected, "\(outcome.errors)")
    #expect(blobs.requests.isEmpty == ![.nobody, .blobHost].contains(echoing))
    #expect(blobs.requests.allSatisfy { $0["authorization"] == nil })
    if echoing == .busyRegistry {
      #expect(outcome.errors.contains("asking again in"), "\(outcome.errors)")
    }
    if echoing != .nobody { #expect((outcome.errors + outcome.output).contains("refused")) }
    var searched = [outcome.output, outcome.errors]
    let names = FileManager.default.subpaths(atPath: cairn.folder.path) ?? []
    #expect(names.contains { $0.hasSuffix("history.sqlite") } && names.contains("trace"))
    for name in names {
      if let data = FileManager.default.contents(atPath: cairn.folder(name)) {
        searched.append(String(decoding: data, as: UTF8.self))
      }
    }
    for secret in Self.secrets {
      #expect(!searched.contains { $0.contains(secret) }, "\(secret) was found")
    }
  }

  @Test(
    "are not in the list of processes", arguments: ["--creds user:hunter2", "--creds=user:hunter2"])
  func notInProcessList(option: String) async throws {
    let asked = Gate()
    let over = Gate()
    let server = try RawServer { _ in
      asked.open()
      over.pass()
      return .status(404)
    }
    let cairn = try Command()
    let process = cairn.process(
      ["pull", "\(server.host)/x", "--plain-http"] + option.split(separator: " ").map(String.init))
    let running = try Running.start(process)
    await asked.opened()
    let line = FileManager.default.contents(atPath: "/proc/\(process.processIdentifier)/cmdline")
    over.open()
    _ = await running.finished()
    let text = String(decoding: line ?? Data(), as: UTF8.self)
    #expect(text.contains("--creds"))
    #expect(!text.contains("hunter2"))
  }
}
