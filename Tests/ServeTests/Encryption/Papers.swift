import Foundation
import Serve
import Support

/// Certificates and keys, and the program that makes them and speaks TLS by hand.
struct Papers: Sendable {
  let folder: TemporaryFolder
  let certificate: String
  let key: String

  /// A certificate for this machine that vouches for itself.
  ///
  /// - Parameter days: for so long it is good; negative: so long ago that ended.
  init(days: Int = 30) async throws {
    folder = try TemporaryFolder()
    (certificate, key) = (folder("a.pem"), folder("a.key"))
    let subject = ["-subj", "/CN=localhost"]
    let names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    let pair = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    if days > 0 {
      try await Self.openssl(
        ["req", "-x509", "-days", "\(days)", "-keyout", key, "-out", certificate] + subject + names
          + pair)
    } else {
      try await Self.openssl(
        ["req", "-keyout", key, "-out", folder("a.csr")] + subject + pair)
      try await Self.openssl(
        ["x509", "-req", "-in", folder("a.csr"), "-signkey", key, "-days", "\(days)", "-out"]
          + [certificate])
    }
  }

  /// What an endpoint shows of them.
  func files(warn: @escaping @Sendable (String) -> Void = { _ in }) throws -> TLSFiles {
    try TLSFiles(certificate: certificate, key: key, warn: warn)
  }

  /// Speaks with a port by `openssl s_client`.
  ///
  /// - Parameter input: what is typed.
  /// - Returns: all that it says.
  static func talk(_ port: Int, _ input: String, _ options: [String] = []) async throws -> String {
    try await openssl(["s_client", "-connect", "127.0.0.1:\(port)"] + options, feeding: input)
  }

  /// Runs openssl to its end; what it says.
  @discardableResult
  static func openssl(_ arguments: [String], feeding input: String = "") async throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    let (typed, said) = (Pipe(), Pipe())
    process.standardInput = typed
    process.standardOutput = said
    process.standardError = said
    try process.run()
    typed.fileHandleForWriting.write(Data(input.utf8))
    if !arguments.contains("-ign_eof") { try typed.fileHandleForWriting.close() }
    let reading = said.fileHandleForReading
    return await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        let data = reading.readDataToEndOfFile()
        continuation.resume(returning: String(decoding: data, as: UTF8.self))
      }
    }
  }
}
