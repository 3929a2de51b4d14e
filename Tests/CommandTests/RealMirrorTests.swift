import Foundation
import Support
import Testing

/// Mirror files with the binary and real servers.
@Suite(
  "Mirrors that are real servers", .enabled(if: Command.hasServers), .timeLimit(.minutes(10)),
  .serialized)
struct RealMirrorTests {
  let cairn: Command

  init() throws { cairn = try Command() }

  func server(_ name: String) throws -> String { try #require(Command.server(name)) }

  func write(_ path: String, _ text: String) throws {
    let parent = URL(filePath: cairn.folder(path)).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try writeFile(cairn.folder(path), text.utf8)
  }

  func copy(_ name: String, to path: String) throws {
    try write(path, String(contentsOfFile: server(name), encoding: .utf8))
  }

  /// Pulls an image whose own registry is nowhere.
  func pull(_ arguments: String...) async throws -> Command.Outcome {
    try await Command.finish(cairn.process(["pull", "far.invalid/demo"] + arguments))
  }

  @Test(
    "registries.conf: a mirror below a path, insecure and plain, or by TLS that nobody vouches for")
  func belowAPath() async throws {
    for host in [try server("REGISTRY"), try server("TLS")] {
      try write(
        ".config/containers/registries.conf.d/m.conf",
        "[[registry]]\nprefix = \"far.invalid\"\nlocation = \"far.invalid\"\n[[registry.mirror]]\nlocation = \"\(host)/proj\"\ninsecure = true"
      )
      let outcome = try await pull("--store", cairn.folder(host))
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }

  @Test("hosts.toml: authority and client certificate of a mirror; without the latter it refuses")
  func clientCertificate() async throws {
    let folder = "certs.d/far.invalid"
    for (name, source) in [("ca", "CA"), ("client", "CLIENT"), ("client.key", "CLIENT_KEY")] {
      try copy(source, to: "\(folder)/\(name)")
    }
    let host = "[host.\"https://\(try server("STRICT"))\"]\nca = \"ca\"\n"
    let option = cairn.folder("certs.d")
    try write("\(folder)/hosts.toml", host)
    let without = try await pull("--hosts-dir", option, "--retries", "0")
    #expect(without.status == 69, "\(without.errors)")
    try write("\(folder)/hosts.toml", host + "client = [[\"client\", \"client.key\"]]")
    let with = try await pull("--hosts-dir", option)
    #expect(with.status == 0, "\(with.errors)")
  }

  @Test("certificates of the registry itself: by option, or from a folder in Docker's layout")
  func ownCertificates() async throws {
    let host = try server("STRICT")
    let option = try await cairn(
      "pull", "\(host)/demo", "--ca-file", server("CA"), "--cert", server("CLIENT"), "--key",
      server("CLIENT_KEY"))
    #expect(option.status == 0, "\(option.errors)")
    let folder = ".config/containers/certs.d/\(host)"
    for (name, source) in [
      ("ca.crt", "CA"), ("client.cert", "CLIENT"), ("client.key", "CLIENT_KEY"),
    ] { try copy(source, to: "\(folder)/\(name)") }
    let byFolder = try await cairn("pull", "\(host)/zstd")
    #expect(byFolder.status == 0, "\(byFolder.errors)")
    let explained = try await cairn("inspect", "\(host)/zstd", "--explain-endpoints")
    #expect(explained.output.contains("shows        \(cairn.folder(folder))/client.cert"))
    // Authorities that are named for every server.
    let authority = try server("CA")
    for (option, words) in [
      ("--ca-file", "trusts       \(authority)\n   shows"),
      ("--ca-only", "trusts       \(authority)\n                and no other authority"),
    ] {
      let found = try await cairn(
        "inspect", "\(host)/zstd", "--explain-endpoints", option, authority)
      #expect(found.output.contains(words), "\(found.output) \(found.errors)")
    }
  }

  @Test("certificate, key and authorities may come from pipes, which say what they have once")
  func pipes() async throws {
    let sources = try ["CLIENT", "CLIENT_KEY", "CA"].map { try server($0) }
    let pipes = ["cert", "key", "ca"].map { cairn.folder("pipe-\($0)") }
    for (source, pipe) in zip(sources, pipes) {
      #expect(mkfifo(pipe, 0o600) == 0)
      let bytes = try Data(contentsOf: URL(filePath: source))
      // Opening it waits for whoever reads.
      Thread.detachNewThread { FileHandle(forWritingAtPath: pipe)?.write(bytes) }
    }
    let outcome = try await cairn(
      "pull", "\(server("STRICT"))/demo", "--cert", pipes[0], "--key", pipes[1], "--ca-file",
      pipes[2])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test("a file that is no certificate costs the mirror, not the pull")
  func noCertificate() async throws {
    try write("certs.d/\(server("REGISTRY"))/ca", "none")
    try write(
      "certs.d/\(server("REGISTRY"))/hosts.toml",
      "[host.\"https://\(try server("TLS"))\"]\nca = \"ca\"\n")
    let outcome = try await cairn(
      "pull", "\(server("REGISTRY"))/plain", "--hosts-dir", cairn.folder("certs.d"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("has no certificate"))
  }
}
