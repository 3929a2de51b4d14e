import CurlTransfer
import Foundation
import Support
import Testing
import Transfer

/// How single servers are reached, with a real one that says who asks, whether the session is an
/// old one, and on which connection.
@Suite(
  "ServerAccess", .timeLimit(.minutes(10)),
  .enabled(if: ProcessInfo.processInfo.environment["CAIRN_TEST_MUTUAL"] != nil))
struct AccessTests {
  /// What the server says of a request.
  struct Answer: Equatable {
    var client: Substring
    var isOldSession: Bool
    var connection: Substring
  }

  func variable(_ name: String) throws -> String {
    try #require(ProcessInfo.processInfo.environment["CAIRN_TEST_" + name])
  }

  func engine(_ edit: (inout TransferSettings) throws -> Void = { _ in }) throws -> CurlEngine {
    var settings = TransferSettings()
    try edit(&settings)
    return try CurlEngine(settings: settings)
  }

  func ask(
    _ engine: CurlEngine, _ access: ServerAccess, path: String = "/", shares: Bool = false
  ) async throws -> Answer {
    var request = TransferRequest(
      .get, try RemoteURL("https://\(variable("MUTUAL"))\(path)"), sharesConnection: shares)
    request.access = access
    let body = try await engine.perform(request, limit: 100).body
    let words = String(decoding: body, as: UTF8.self).split(separator: " ")
    try #require(words.count == 3)
    return Answer(client: words[0], isOldSession: words[1] == "r", connection: words[2])
  }

  func fails(
    _ engine: CurlEngine, _ access: ServerAccess, path: String = "/", shares: Bool = false
  ) async throws -> TransferError? {
    do {
      let answer = try await ask(engine, access, path: path, shares: shares)
      Issue.record("no error, but \(answer)")
      return nil
    } catch let error as TransferError {
      return error
    }
  }

  func access(_ edit: (inout ServerAccess) throws -> Void) rethrows -> ServerAccess {
    var access = ServerAccess()
    try edit(&access)
    return access
  }

  @Test("authorities of one server count beside the engine's, and for that server alone")
  func serverAuthorities() async throws {
    let engine = try engine()
    defer { engine.stop() }
    let mine = try access { $0.caFiles = [try variable("CA")] }
    #expect(try await fails(engine, ServerAccess())?.kind == .tls)
    let first = try await ask(engine, mine)
    #expect(try await ask(engine, mine).connection == first.connection)
    #expect(try await fails(engine, ServerAccess())?.kind == .tls)
    let other = try access { $0.caFiles = [try variable("EXPIRED_CA")] }
    #expect(try await fails(engine, other)?.kind == .tls)
    // In whatever order they are asked for.
    let both = try access { $0.caFiles = [try variable("EXPIRED_CA"), try variable("CA")] }
    #expect(try await ask(engine, both).connection != first.connection)
    #expect(try await ask(engine, mine).connection == first.connection)
  }

  @Test("a certificate that is trusted, but for other names, is told from one that is not trusted")
  func otherName() async throws {
    let engine = try engine()
    defer { engine.stop() }
    let port = try variable("MUTUAL").split(separator: ":").last.map(String.init) ?? ""
    // libcurl takes all names below localhost for this machine.
    var request = TransferRequest(.get, try RemoteURL("https://other.localhost:\(port)/"))
    request.access = try access { $0.caFiles = [try variable("CA")] }
    await #expect {
      try await engine.perform(request, limit: 100)
    } throws: {
      ($0 as? TransferError)?.kind == .wrongName
    }
  }

  @Test("authorities come from options, from SSL_CERT_FILE and from an unhashed SSL_CERT_DIR")
  func places() async throws {
    let folder = try TemporaryFolder()
    try writeFile(folder("any name"), readFile(variable("CA")))
    let file = try variable("CA")
    let edits: [(inout TransferSettings) -> Void] = [
      { $0.trust.extraFiles = [file] }, { $0.trust.onlyFile = file },
      { $0.read(environment: ["SSL_CERT_FILE": file]) },
      { $0.read(environment: ["SSL_CERT_DIR": "/nowhere:\(folder.path)"]) },
    ]
    for edit in edits {
      let engine = try engine(edit)
      #expect(try await !ask(engine, ServerAccess()).connection.isEmpty)
      engine.stop()
    }
    let stranger = try engine { $0.read(environment: ["SSL_CERT_DIR": "/nowhere"]) }
    await #expect(throws: TransferError.self) { try await ask(stranger, ServerAccess()) }
    stranger.stop()
  }

  @Test("authorities that were read ahead are not read again for the first server")
  func readAhead() async throws {
    let folder = try TemporaryFolder()
    try writeFile(folder("ca"), readFile(variable("CA")))
    let engine = try engine { $0.trust.extraFiles = [folder("ca")] }
    defer { engine.stop() }
    engine.readTrust()
    // The engine takes one thing after the other: what was asked of it before is done then.
    var refused = TransferRequest(.get, try RemoteURL("https://\(variable("MUTUAL"))/"))
    refused.access.caFiles = ["/nowhere"]
    await #expect(throws: TransferError.self) { try await engine.perform(refused, limit: 1) }
    unlink(folder("ca"))
    _ = try await ask(engine, ServerAccess())
  }

  @Test("one file can stand in place of all authorities, those of single servers with them")
  func onlyFile() async throws {
    let engine = try engine {
      $0.trust.extraFiles = [try variable("CA")]
      $0.trust.onlyFile = try variable("EXPIRED_CA")
    }
    defer { engine.stop() }
    let mine = try access { $0.caFiles = [try variable("CA")] }
    #expect(try await fails(engine, mine)?.kind == .tls)
  }

  @Test(
    "a connection that was not checked is lent to nobody who wants it checked, nor is its session",
    arguments: [("/", false), ("/close", false), ("/", true)])
  func unchecked(path: String, shares: Bool) async throws {
    let engine = try engine()
    defer { engine.stop() }
    let lax = access { $0.skipsVerification = true }
    let first = try await ask(engine, lax, path: path, shares: shares)
    #expect(try await fails(engine, ServerAccess(), path: path, shares: shares)?.kind == .tls)
    // One that wants no check either may have it, or at least its session.
    let second = try await ask(engine, lax, path: path, shares: shares)
    #expect(second.connection == first.connection || second.isOldSession)
    #expect(try await fails(engine, ServerAccess(), path: path, shares: shares)?.kind == .tls)
    // What was checked is not mixed with what was not.
    let strict = try access { $0.caFiles = [try variable("CA")] }
    let checked = try await ask(engine, strict, path: path, shares: shares)
    #expect(checked.connection != second.connection && !checked.isOldSession)
  }

  @Test(
    "who shows a certificate does so on connections and in sessions of its own",
    arguments: [("/", false), ("/close", false), ("/", true)])
  func clientCertificates(path: String, shares: Bool) async throws {
    let engine = try engine { $0.trust.extraFiles = [try variable("CA")] }
    defer { engine.stop() }
    let named = try access {
      $0.clientCertificate = .init(
        certificate: try variable("CLIENT"), key: try variable("CLIENT_KEY"))
    }
    let folder = try TemporaryFolder()
    try writeFile(
      folder("both.pem"), readFile(variable("CLIENT")) + readFile(variable("CLIENT_KEY")))
    let inOneFile = access { $0.clientCertificate = .init(certificate: folder("both.pem")) }
    let nobody = try await ask(engine, ServerAccess(), path: path, shares: shares)
    let one = try await ask(engine, named, path: path, shares: shares)
    let again = try await ask(engine, ServerAccess(), path: path, shares: shares)
    let other = try await ask(engine, inOneFile, path: path, shares: shares)
    #expect(nobody.client == "NONE" && again.client == "NONE")
    #expect(one.client == "SUCCESS" && other.client == "SUCCESS")
    #expect(!one.isOldSession && !other.isOldSession)
    #expect(Set([nobody, one, other].map(\.connection)).count == 3)
    #expect(one.connection != again.connection && other.connection != again.connection)
  }

  @Test(
    "files that cannot be used are errors that name them, before anything is asked; no secret is asked for on a terminal"
  )
  func badFiles() async throws {
    let engine = try engine { $0.trust.extraFiles = [try variable("CA")] }
    defer { engine.stop() }
    let missing = access { $0.caFiles = ["/nowhere/ca.pem"] }
    let noAuthority = try await fails(engine, missing)
    #expect(noAuthority?.kind == .tls && noAuthority?.message.contains("/nowhere/ca.pem") == true)
    let noFile = access { $0.clientCertificate = .init(certificate: "/nowhere/client.pem") }
    let noCertificate = try await fails(engine, noFile)
    #expect(noCertificate?.kind == .ownCertificate, "\(String(describing: noCertificate))")
    #expect(noCertificate?.message.contains("/nowhere/client.pem") == true)
    let folder = try TemporaryFolder()
    try writeFile(folder("locked.key"), Array(Self.lockedKey.utf8))
    let locked = try access {
      $0.clientCertificate = .init(certificate: try variable("CLIENT"), key: folder("locked.key"))
    }
    let refused = try await fails(engine, locked)
    #expect(
      refused?.kind == .ownCertificate
        && refused?.message.contains("locked by a passphrase") == true)
    #expect(refused?.message.contains(folder("locked.key")) == true)
    // A file with another thing, and the certificate without its key.
    for key in [try variable("CA"), nil] {
      let own = try access {
        $0.clientCertificate = .init(certificate: try variable("CLIENT"), key: key)
      }
      let misfit = try await fails(engine, own)
      #expect(misfit?.kind == .ownCertificate, "\(String(describing: misfit))")
      #expect(try misfit?.message.contains(key ?? variable("CLIENT")) == true)
    }
  }

  /// A key whose secret nobody knows any more.
  static let lockedKey = """
    -----BEGIN EC PRIVATE KEY-----
    Proc-Type: 4,ENCRYPTED
    DEK-Info: AES-128-CBC,BECADB11B1CA59C9D695FB7A29E496A2

    ajTPEHUVoQvp6jwV3x80ItT+9WxXtvYtp70u9mmD3wSR2Q49SbQo0F6Mh0DNIXc0
    fejSltct7f2mDFX3bgZOACYiL9YJUJp37P5VifD/1L5blISo2cnq2NTrMVloaRwB
    iHhAehxHVKebtxeJzNmQGLABgfM8KoiBvzqYgEsFBPM=
    -----END EC PRIVATE KEY-----

    """
}
