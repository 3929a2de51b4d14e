import CurlTransfer
import Foundation
import OCI
import Registry
import Support
import Testing
import Transfer

@testable import Serve

/// The endpoint over TLS: what clients get, and what attackers do not.
@Suite("TLS of the local endpoint", .timeLimit(.minutes(10)))
struct TLSTests {
  /// An endpoint that speaks TLS, in front of a vault that is open to everybody.
  static func desk(
    _ papers: Papers, handshakeSeconds: Int64 = 3_600,
    allows: @escaping @Sendable (String, String?) -> Bool = { _, _ in true }
  ) async throws -> (Desk, Vault, TLSFiles) {
    let vault = try Vault(allows: allows)
    var bounds = FrontSettings.some
    let files = try papers.files()
    bounds.encryption = files
    bounds.handshakeSeconds = handshakeSeconds
    return (try await Desk([vault.server.host], bounds: bounds), vault, files)
  }

  static func engine(trusting certificate: String) throws -> CurlEngine {
    var settings = TransferSettings()
    settings.trust.onlyFile = certificate
    return try CurlEngine(settings: settings)
  }

  static func get(
    _ engine: CurlEngine, _ desk: Desk, _ target: String, _ fields: [(String, String)] = [],
    host: String = "localhost"
  ) async throws -> TransferResponse {
    let url = try RemoteURL("https://\(host):\(desk.port)\(target)")
    return try await engine.perform(
      TransferRequest(.get, url, fields: HTTPFields(fields)), limit: 1 << 20)
  }

  @Test("our own libcurl gets a manifest and a blob, cold, from the cache, and a part of it")
  func serves() async throws {
    let papers = try await Papers()
    let (desk, vault, _) = try await Self.desk(papers)
    let engine = try Self.engine(trusting: papers.certificate)
    let base = "/v2/\(Desk.part(vault.server))/a"
    let manifest = try await Self.get(engine, desk, "\(base)/manifests/latest")
    #expect(manifest.head.status == 200 && manifest.body == Vault.manifest)
    let blob = "\(base)/blobs/\(try Digest.of(Vault.blob))"
    for host in ["localhost", "127.0.0.1", "localhost"] {
      let answer = try await Self.get(engine, desk, blob, host: host)
      #expect(answer.head.status == 200 && answer.body == Vault.blob)
    }
    let part = try await Self.get(engine, desk, blob, [("Range", "bytes=70000-200000")])
    #expect(part.head.status == 206 && part.body == Array(Vault.blob[70_000...200_000]))
    // DNS rebinding is none the better for TLS.
    let odd = try await Self.get(engine, desk, "/v2/", [("Origin", "https://localhost")])
    #expect(odd.head.status == 403)
    engine.stop()
    await desk.close()
  }

  @Test(
    "from another machine credentials are taken by TLS alone",
    arguments: [
      ("10.0.0.2", false, "Basic dTpw", 403), ("10.0.0.2", true, "Basic dTpw", 200),
      ("10.0.0.2", false, "Bearer x", 403), ("10.0.0.2", true, "Bearer x", 200),
      ("10.0.0.2", false, nil, 200), ("10.0.0.2", false, "Basic Og==", 200),
      ("127.0.0.1", false, "Basic dTpw", 200), ("127.0.0.1", true, "Basic dTpw", 200),
    ] as [(String, Bool, String?, Int)])
  func credentials(from: String, isEncrypted: Bool, shown: String?, status: Int) async throws {
    let engine = try CurlEngine(settings: TransferSettings())
    let clients = UpstreamClients(registries: ServedRegistries(), engine: engine) { reference in
      EndpointPlan(endpoints: [try Endpoint(of: reference, plainHTTP: true)])
    }
    let keeper = CallerDoorkeeper(
      clients, owner: try OwnerRule(isOn: false, owner: geteuid(), places: []))
    let own = from == "127.0.0.1" ? from : "10.0.0.1"
    let caller = Caller(
      .network(address: from, port: 4000, own: own, ownPort: 5151), isEncrypted: isEncrypted,
      authorization: shown)
    #expect(await keeper.greeting(for: caller).status == status)
    engine.stop()
  }

  @Test("a certificate that is read anew is shown to whoever connects then")
  func reloads() async throws {
    let (papers, others) = (try await Papers(), try await Papers())
    let (desk, _, files) = try await Self.desk(papers)
    for (from, to) in [(others.certificate, papers.certificate), (others.key, papers.key)] {
      try Data(contentsOf: URL(filePath: from)).write(to: URL(filePath: to))
    }
    try files.reload()
    let engine = try Self.engine(trusting: others.certificate)
    #expect(try await Self.get(engine, desk, "/healthz").head.status == 200)
    engine.stop()
    await desk.close()
  }

  @Test(
    "another implementation is answered, by the versions and protocols that are spoken here only",
    arguments: [
      (["-tls1_3"], "200 OK"), (["-tls1_2"], "200 OK"), (["-alpn", "h2,http/1.1"], "200 OK"),
      (["-alpn", "h2"], "no application protocol"),
      (["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], "alert protocol version"),
    ] as [([String], String)])
  func versions(options: [String], words: String) async throws {
    let (desk, _, _) = try await Self.desk(try await Papers())
    let said = try await Papers.talk(
      desk.port,
      "GET /healthz HTTP/1.1\r\nHost: localhost:\(desk.port)\r\nConnection: close\r\n\r\n",
      options + ["-ign_eof"])
    #expect(said.contains(words), "\(said)")
    // No cut-off: the end was said.
    if words == "200 OK" { #expect(!said.contains("unexpected eof"), "\(said)") }
    await desk.close()
  }

  @Test("who asks for another handshake in the middle gets none")
  func renegotiates() async throws {
    let (desk, _, _) = try await Self.desk(try await Papers())
    let said = try await Papers.talk(desk.port, "R\n", ["-tls1_2"])
    #expect(said.contains("RENEGOTIATING") && said.contains("no renegotiation"), "\(said)")
    await desk.close()
  }

  /// What comes in place of a handshake.
  ///
  /// What is half of one has to end by its time, and so may ours on a busy machine, which then comes again.
  static let nonsense: [String] = [
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "SSH-2.0-x\r\n",
    String(repeating: "\0", count: 300),
    "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{7f}\u{3}\u{3}",
    "\u{16}\u{3}\u{1}\u{40}\0"
      + String(repeating: "a", count: 20_000),
  ]

  @Test(
    "what is no TLS ends the connection and nothing else, and plain HTTP is told so",
    arguments: nonsense.indices)
  func garbage(index: Int) async throws {
    let papers = try await Papers()
    let (desk, _, _) = try await Self.desk(papers, handshakeSeconds: 1)
    let wire = try Wire(port: desk.port)
    wire.send(Self.nonsense[index])
    let answer = await wire.read(1 << 20)
    let text = String(decoding: answer, as: UTF8.self)
    #expect(text.hasPrefix("HTTP/1.0 400 ") == (index == 0), "\(text)")
    let engine = try Self.engine(trusting: papers.certificate)
    var metrics = ""
    try await eventually {
      guard let figures = try? await Self.get(engine, desk, "/metrics") else { return false }
      metrics = String(decoding: figures.body, as: UTF8.self)
      return true
    }
    #expect(metrics.contains("\ncairn_errors_total{kind=\"handshake\"} "), "\(metrics)")
    #expect(!metrics.contains("\ncairn_errors_total{kind=\"handshake\"} 0\n"), "\(metrics)")
    engine.stop()
    await desk.close()
  }

  @Test("who is silent, or stops in the middle of a handshake, is let go, and others are served")
  func slow() async throws {
    let papers = try await Papers()
    let (desk, _, _) = try await Self.desk(papers, handshakeSeconds: 1)
    let wires = try (0..<100).map { _ in try Wire(port: desk.port) }
    for wire in wires.prefix(50) { wire.send("\u{16}\u{3}\u{1}\u{1}\u{20}\u{1}") }
    let engine = try Self.engine(trusting: papers.certificate)
    // Who is as slow, for the machine is busy, comes again.
    try await eventually {
      (try? await Self.get(engine, desk, "/healthz").head.status) == 200
    }
    for wire in wires { #expect(await wire.read(1 << 20).isEmpty) }
    engine.stop()
    await desk.close()
  }
}
