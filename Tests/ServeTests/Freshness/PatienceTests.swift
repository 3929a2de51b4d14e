import OCI
import Registry
@testable import Serve
import Support
import Testing

/// What a caller hears, and when, while upstream is in trouble and nothing is cached.
@Suite("Patience of the local endpoint", .timeLimit(.minutes(10)))
struct PatienceTests {
  /// Trouble of a registry, and what becomes of it here.
  struct Trouble: Sendable, CustomTestStringConvertible {
    var status: Int
    var retryAfter: String?
    var told: Int

    var testDescription: String { "\(status), Retry-After \(retryAfter ?? "not given")" }

    var reply: Reply {
      status == 0
        ? .raw([], .close) : .status(status, retryAfter.map { [("Retry-After", $0)] } ?? [])
    }
  }

  static let troubles = [
    Trouble(status: 429, retryAfter: "77", told: 429),
    Trouble(status: 429, retryAfter: "5", told: 429), Trouble(status: 429, told: 429),
    Trouble(status: 503, retryAfter: "60", told: 503), Trouble(status: 503, told: 503),
    Trouble(status: 500, told: 502), Trouble(status: 502, told: 502),
    Trouble(status: 0, told: 502),
  ]

  static let targets = try? [
    "manifests/latest", "manifests/\(Digest.of(Vault.manifest))", "blobs/\(Digest.of(Vault.blob))",
    "tags/list",
  ]

  /// An endpoint with the patience that a pull has by default, and the waits that it would have made.
  static func desk(
    _ server: RawServer, _ change: (inout RepositoryClient.RetryRule) -> Void = { _ in }
  ) async throws -> (Desk, Log<Double>) {
    var rule = RepositoryClient.RetryRule()
    rule.retries = 8
    change(&rule)
    let waits = Log<Double>()
    var time = Timekeeper()
    time.sleep = { waits.add($0) }
    return (try await Desk([server.host], rule: rule, time: time), waits)
  }

  @Test(
    "trouble is handed on at once, with the wait that upstream asks for",
    arguments: troubles, targets ?? [])
  func handedOn(trouble: Trouble, target: String) async throws {
    let server = try RawServer { _ in trouble.reply }
    let (desk, waits) = try await Self.desk(server)
    for method in ["GET", "HEAD"] where method == "GET" || !target.hasPrefix("tags") {
      let answer = try await desk.get("/v2/a/\(target)?ns=\(server.host)", method: method)
      #expect(answer.status == trouble.told)
      #expect(answer.fields.first { $0.0 == "retry-after" }?.1 == trouble.retryAfter)
    }
    // Two questions, and none has waited for longer than anybody bears.
    #expect(waits.all.reduce(0, +) <= 2 * CallerPatience.longestWait)
    await desk.close()
  }

  @Test("what passes at once is asked for again", arguments: [429, 500, 503, 0])
  func passes(status: Int) async throws {
    let seen = Log<String>()
    let blob = try Digest.of(Vault.blob)
    let server = try RawServer { request in
      let nth = seen.all.count { $0 == request.target }
      seen.add(request.target)
      if nth == 0 { return Trouble(status: status, told: 0).reply }
      return request.target.contains("/blobs/\(blob)")
        ? FakeRegistry.blob(Vault.blob, request.range)
        : .ok(Vault.manifest, [("Content-Type", "application/vnd.oci.image.manifest.v1+json")])
    }
    let (desk, _) = try await Self.desk(server)
    let manifest = try await desk.get("/v2/a/manifests/latest?ns=\(server.host)")
    #expect(manifest.status == 200 && manifest.body == Vault.manifest)
    let answer = try await desk.get("/v2/a/blobs/\(blob)?ns=\(server.host)")
    #expect(answer.status == 200 && answer.body == Vault.blob)
    await desk.close()
  }

  @Test("who is silent is not waited for twice", arguments: targets ?? [], ["GET", "HEAD"])
  func silent(target: String, method: String) async throws {
    let server = try RawServer { _ in .raw([], .hang) }
    let (desk, _) = try await Self.desk(server) { $0.silenceLimit = 1 }
    let answer = try await desk.get("/v2/a/\(target)?ns=\(server.host)", method: method)
    #expect(answer.status == 504)
    // A busy server may read what it was sent only now.
    try await eventually { !server.requests.isEmpty }
    #expect(server.requests.count == 1)
    await desk.close()
  }
}
