import Foundation
import Support
import Testing

/// What is said where TLS fails, by servers of OpenSSL's own.
@Suite("Handshakes", .timeLimit(.minutes(10)))
struct HandshakeTests {
  private let cairn: Command

  init() throws { cairn = try Command() }

  /// A certificate for some names, which is its own authority.
  private func certificate(for names: String) async throws -> (file: String, key: String) {
    let (file, key) = (cairn.folder("server.pem"), cairn.folder("server.key"))
    let made = try await Command.tool(
      "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=x",
      "-addext", "subjectAltName=\(names)", "-keyout", key, "-out", file)
    #expect(made.status == 0, "\(made.errors)")
    return (file, key)
  }

  /// Pulls from a server that is started with some options.
  private func errors(_ names: String, _ options: [String], isTrusted: Bool = true) async throws
    -> String
  {
    let (file, key) = try await certificate(for: names)
    let server = Process()
    server.executableURL = URL(filePath: "/usr/bin/env")
    server.arguments =
      ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", file, "-key", key, "-www"]
      + options
    let said = Pipe()
    server.standardInput = FileHandle.nullDevice
    server.standardOutput = said
    server.standardError = FileHandle.nullDevice
    try server.run()
    // Not SIGTERM: a process that a thread of the pool starts has it blocked, as that thread does.
    defer {
      kill(server.processIdentifier, SIGKILL)
      server.waitUntilExit()
    }
    var text = ""
    while !text.contains("ACCEPT 127.0.0.1:") || text.last != "\n" {
      let more = said.fileHandleForReading.availableData
      guard !more.isEmpty else { break }
      text += String(decoding: more, as: UTF8.self)
    }
    let port = text.split(separator: "ACCEPT 127.0.0.1:").last?.prefix { $0.isNumber } ?? ""
    let trust = isTrusted ? ["--ca-file", file] : []
    let outcome = try await Command.finish(
      cairn.process(["digest", "127.0.0.1:\(port)/o/n:1"] + trust))
    #expect(outcome.status == 69)
    return outcome.errors
  }

  @Test(
    "each kind of failure has its own hint",
    arguments: [
      (
        "IP:127.0.0.1", ["-tls1_3", "-Verify", "1", "-verify_return_error"], true,
        ["--cert PEM --key PEM"]
      ),
      (
        "IP:127.0.0.1", ["-tls1_2", "-Verify", "1", "-verify_return_error"], true,
        ["--cert PEM --key PEM"]
      ),
      ("IP:127.0.0.1", ["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"], true, ["in common"]),
      (
        "DNS:a.example,DNS:b.example", [], true,
        ["the certificate is for a.example, b.example", "by one of those"]
      ),
      ("IP:127.0.0.1", [], false, ["--ca-file PEM"]),
    ] as [(String, [String], Bool, [String])])
  func hints(names: String, options: [String], isTrusted: Bool, words: [String]) async throws {
    let errors = try await errors(names, options, isTrusted: isTrusted)
    for word in words { #expect(errors.contains(word), "\(errors)") }
  }
}
