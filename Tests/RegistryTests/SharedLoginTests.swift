import CurlTransfer
import Foundation
import OCI
import Support
import Testing
import Transfer

@testable import Registry

/// Logins and tokens that several clients of one run share.
@Suite("Shared logins", .timeLimit(.minutes(10)))
struct SharedLoginTests {
  let engine: CurlEngine
  let folder: TemporaryFolder

  init() throws {
    var settings = TransferSettings()
    settings.stallTimeout = 50
    engine = try CurlEngine(settings: settings)
    folder = try TemporaryFolder()
  }

  private func client(
    _ server: RawServer, _ repository: String, _ logins: SharedLogins?,
    _ chain: CredentialChain = CredentialChain(),
    tell: @escaping @Sendable (RegistryNotice) -> Void = { _ in },
    limit: @escaping @Sendable (Double) async throws -> Void = { _ in
      try await Task.sleep(for: .seconds(600))
    }
  ) throws -> RepositoryClient {
    let reference = try Reference("\(server.host)/\(repository):1")
    var time = Timekeeper()
    time.sleep = { _ in }
    time.limit = limit
    return RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: true)],
      engine: engine, credentials: chain, logins: logins, time: time, tell: tell)
  }

  /// A registry with tokens; `token` answers its token service.
  private func registry(_ token: @escaping @Sendable (ServedRequest) -> Reply) throws -> RawServer {
    try RawServer { request in
      if request.target.hasPrefix("/token") { return token(request) }
      guard request["authorization"] == "Bearer good" else {
        let realm = "Bearer realm=\"http://\(request["host"] ?? "")/token\",service=\"s\""
        return .status(401, [("WWW-Authenticate", realm)])
      }
      return .ok(ClientTests.manifest)
    }
  }

  /// A login by a helper that notes each of its runs.
  private func helped(_ server: RawServer, _ script: String) throws -> CredentialChain {
    let name = "test-\(UUID().uuidString.prefix(8))"
    let path = folder("docker-credential-\(name)")
    try writeFile(path, Array("#!/bin/sh\necho >> '\(folder("runs"))'\n\(script)\n".utf8))
    #expect(chmod(path, 0o755) == 0)
    var chain = CredentialChain()
    chain.inline = nil
    chain.files = [CredentialFile(named: folder("config.json"))]
    chain.helperPath = folder.path
    try writeFile(
      folder("config.json"), Array(#"{"credHelpers":{"\#(server.host)":"\#(name)"}}"#.utf8))
    return chain
  }

  private var runs: Int { (try? readFile(folder("runs")).count) ?? 0 }

  @Test(
    "a helper is run once for all images of a registry, whether its login is taken or not",
    arguments: [true, false])
  func onceHelped(isTaken: Bool) async throws {
    let server = try registry { request in
      isTaken && request["authorization"] != nil ? .ok(#"{"token":"good"}"#) : .status(401)
    }
    let chain = try helped(server, #"echo '{"Username":"u","Secret":"p"}'"#)
    let logins = SharedLogins()
    let clients = try ["o/a", "o/b", "o/c"].map { try client(server, $0, logins, chain) }
    await withTaskGroup(of: Bool.self) { group in
      for client in clients {
        group.addTask { (try? await client.document(.tag("1"))) != nil }
      }
      for await isGood in group { #expect(isGood == isTaken) }
    }
    #expect(runs == 1)
  }

  /// How a login that has ended is refused.
  enum End: CaseIterable { case basic, words, token }

  @Test(
    "a helper whose login was taken and has ended is asked once more, and what it has then is shown",
    arguments: End.allCases, [true, false])
  func ended(end: End, isNew: Bool) async throws {
    let isOver = Counter()
    let logins = ["u:p1", "u:p2"].map { "Basic " + Data($0.utf8).base64EncodedString() }
    let server = try RawServer { request in
      let shown = request["authorization"]
      // Who asks for the second manifest is told that the first login has ended.
      if request.target.hasSuffix("/2") { isOver.next() }
      let now = isOver.value == 0 ? 0 : 1
      if request.target.hasPrefix("/token") {
        return shown == logins[now] ? .ok(#"{"token":"t\#(now)"}"#) : .status(401)
      }
      let realm = "Bearer realm=\"http://\(request["host"] ?? "")/token\",service=\"s\""
      let wanted = end == .token ? "Bearer t\(now)" : logins[now]
      if shown == wanted { return .ok(ClientTests.manifest) }
      if end == .words, shown != nil {
        return .status(403, [], #"{"message":"Your authorization token has expired."}"#)
      }
      return .status(401, [("WWW-Authenticate", end == .token ? realm : "Basic realm=\"x\"")])
    }
    // Its second answer is another one, or the same.
    let secret = isNew ? "p$(wc -l < '\(folder("runs"))')" : "p1"
    let chain = try helped(server, #"printf '{"Username":"u","Secret":"%s"}' "\#(secret)""#)
    let shared = SharedLogins()
    let clients = try ["o/a", "o/b"].map { try client(server, $0, shared, chain) }
    for client in clients { _ = try await client.document(.tag("1")) }
    #expect(runs == 1)
    for client in clients {
      for _ in 0..<2 {
        let found = try? await client.document(.tag("2"))
        #expect((found != nil) == isNew)
      }
    }
    #expect(runs == 2)
  }

  @Test("who is refused, and whose helper had no login, is told that the helper had none")
  func emptyHelper() async throws {
    let server = try registry { _ in .status(401) }
    let chain = try helped(server, "echo 'credentials not found in native keychain'; exit 1")
    let client = try client(server, "o/n", SharedLogins(), chain)
    let error = await #expect(throws: RegistryError.self) { try await client.document(.tag("1")) }
    #expect(error?.kind == .unauthorised)
    #expect(
      error?.hint?.hasPrefix("no login for \(server.host) came from docker-credential-test-")
        == true)
    #expect(runs == 2)
  }

  @Test("one scope's token is fetched once in a run, however many images want it")
  func onceFetched() async throws {
    let server = try registry { _ in .ok(#"{"token":"good"}"#) }
    let logins = SharedLogins()
    let clients = try (0..<4).map { _ in try client(server, "o/n", logins) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in clients { group.addTask { _ = try await client.document(.tag("1")) } }
      try await group.waitForAll()
    }
    #expect(server.requests.count { $0.target.hasPrefix("/token") } == 1)
    // Another one is another matter.
    _ = try await client(server, "o/m", logins).document(.tag("1"))
    #expect(server.requests.count { $0.target.hasPrefix("/token") } == 2)
  }

  @Test(
    "an identity token that is replaced with each use is shown once, the newest first",
    arguments: [true, false])
  func replaced(isReplaced: Bool) async throws {
    let count = Counter()
    let server = try registry { request in
      guard isReplaced else { return .ok(#"{"access_token":"good"}"#) }
      let number = count.next()
      return .ok(#"{"access_token":"good","refresh_token":"id\#(number)"}"#)
    }
    let chain = CredentialChain(explicit: .identityToken("id0"))
    let logins = SharedLogins()
    let clients = try (0..<4).map { try client(server, "o/n\($0)", logins, chain) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in clients { group.addTask { _ = try await client.document(.tag("1")) } }
      try await group.waitForAll()
    }
    let shown = server.requests.filter { $0.method == "POST" }.compactMap { request in
      String(decoding: request.body, as: UTF8.self).split(separator: "&")
        .first { $0.hasPrefix("refresh_token=") }?.dropFirst("refresh_token=".count)
    }
    #expect(shown.map(String.init) == (0..<4).map { isReplaced ? "id\($0)" : "id0" })
  }

  @Test("a helper that lets others wait is named, and the registry is not")
  func slowHelper() async throws {
    let server = try registry { _ in .ok(#"{"token":"good"}"#) }
    #expect(mkfifo(folder("go"), 0o600) == 0)
    let chain = try helped(
      server, #"read x < '\#(folder("go"))'; echo '{"Username":"u","Secret":"p"}'"#)
    let (said, late) = (Log<String>(), Gate())
    let (go, runs) = (folder("go"), folder("runs"))
    let client = try client(
      server, "o/n", nil, chain,
      tell: {
        if case .late(let name, _) = $0 {
          said.add(name)
          late.open()
        }
      },
      // The helper runs by then.
      limit: { _ in try await eventually { FileManager.default.fileExists(atPath: runs) } })
    async let document = client.document(.tag("1"))
    await late.opened()
    try FileHandle(forWritingTo: URL(filePath: go)).write(contentsOf: Data("x\n".utf8))
    _ = try await document
    #expect(said.all.first?.hasPrefix("the credential helper docker-credential-test-") == true)
    #expect(!said.all.contains(server.host), "\(said.all)")
  }

  @Test("work that everybody has left is begun anew, and what one of several left goes on")
  func sharedWork() async {
    let (gate, began, ended) = (Gate(), Gate(), Log<Bool>())
    let work = SharedWork {
      began.open()
      await gate.opened()
      ended.add(Task.isCancelled)
      return 7
    }
    let leaver = Task { await work.value() }
    let stayer = Task { await work.value() }
    await began.opened()
    leaver.cancel()
    gate.open()
    #expect(await stayer.value == 7)
    #expect(ended.all == [false])
    let (held, alone) = (Gate(), Gate())
    let left = SharedWork {
      alone.open()
      await held.opened()
      return 7
    }
    let only = Task { await left.value() }
    await alone.opened()
    only.cancel()
    held.open()
    _ = await only.value
    #expect(await left.value() == nil)
  }
}
