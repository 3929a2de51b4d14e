import Foundation
import Support
import Testing

@testable import Serve

/// What `--tls-cert` and `--tls-key` may name.
@Suite("Certificates of the local endpoint", .timeLimit(.minutes(10)))
struct TLSFileTests {
  /// What stands where a certificate or a key should.
  enum Content: Sendable {
    case right, anothers, missing, folder, nothing, cut, garbage, swapped, locked, inDER
  }

  @Test(
    "a pair that cannot be used is an error that names the file and says why",
    arguments: [
      (.missing, .right, "a.pem", "no such file"), (.right, .missing, "a.key", "no such file"),
      (.folder, .right, "a.pem", "directory"), (.right, .folder, "a.key", "directory"),
      (.nothing, .right, "a.pem", "no certificate in it"),
      (.right, .nothing, "a.key", "no private key in it"),
      (.cut, .right, "a.pem", "cannot be used"), (.right, .cut, "a.key", "no private key"),
      (.garbage, .right, "a.pem", "no certificate in it"),
      (.right, .garbage, "a.key", "no private key in it"),
      (.swapped, .right, "a.pem", "no certificate in it"),
      (.right, .swapped, "a.key", "no private key in it"),
      (.inDER, .right, "a.pem", "no certificate in it"),
      (.right, .anothers, "a.key", "not the certificate's"),
      (.right, .locked, "a.key", "wants a password"),
    ] as [(Content, Content, String, String)])
  func refuses(certificate: Content, key: Content, file: String, words: String) async throws {
    let (papers, others) = (try await Papers(), try await Papers())
    try await put(certificate, at: papers.certificate, from: papers.key, others.certificate)
    try await put(key, at: papers.key, from: others.certificate, others.key)
    do {
      _ = try papers.files()
      Issue.record("they were taken")
    } catch let failure as TLSFiles.Failure {
      let said = failure.description
      #expect(said.contains(papers.folder(file)), "\(said)")
      #expect(said.lowercased().contains(words), "\(said)")
    }
  }

  private func put(
    _ content: Content, at path: String, from swapped: String, _ other: String
  ) async throws {
    let old = try Data(contentsOf: URL(filePath: path))
    var new: Data? = old
    switch content {
    case .right: break
    case .anothers: new = try Data(contentsOf: URL(filePath: other))
    case .missing, .folder: new = nil
    case .nothing: new = Data()
    case .cut: new = old.prefix(old.count * 2 / 3)
    case .garbage: new = Data((0..<500).map { UInt8(truncatingIfNeeded: $0 &* 77) })
    case .swapped: new = try Data(contentsOf: URL(filePath: swapped))
    case .locked:
      try await Papers.openssl(
        ["pkey", "-in", path, "-aes256", "-passout", "pass:x", "-out", path + ".locked"])
      new = try Data(contentsOf: URL(filePath: path + ".locked"))
    case .inDER:
      try await Papers.openssl(["x509", "-in", path, "-outform", "DER", "-out", path + ".der"])
      new = try Data(contentsOf: URL(filePath: path + ".der"))
    }
    try FileManager.default.removeItem(atPath: path)
    if let new { try new.write(to: URL(filePath: path)) }
    guard case .folder = content else { return }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  @Test(
    "a key that everybody reads and a certificate whose time is over are warned about, and used",
    arguments: [(0o600, 30, []), (0o640, 30, []), (0o644, 30, ["key"]), (0o600, -1, ["expired"])]
      as [(Int, Int, [String])])
  func warns(mode: Int, days: Int, words: [String]) async throws {
    let papers = try await Papers(days: days)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: papers.key)
    let said = Log<String>()
    _ = try papers.files { said.add($0) }
    #expect(said.all.count == words.count, "\(said.all)")
    for word in words { #expect(said.all.contains { $0.contains(word) }) }
  }

  @Test("what is read anew is shown from then on, and what cannot be used changes nothing")
  func reloads() async throws {
    let (papers, others) = (try await Papers(), try await Papers())
    let files = try papers.files()
    let first = files.identity
    let others2 = [(others.certificate, papers.certificate), (others.key, papers.key)]
    try FileManager.default.removeItem(atPath: papers.certificate)
    #expect(throws: TLSFiles.Failure.self) { try files.reload() }
    #expect(files.identity === first)
    for (from, to) in others2 {
      try Data(contentsOf: URL(filePath: from)).write(to: URL(filePath: to))
    }
    try files.reload()
    #expect(files.identity !== first)
  }
}
