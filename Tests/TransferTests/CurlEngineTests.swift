import CurlTransfer
import Foundation
import Support
import Synchronization
import Testing
import Transfer

/// libcurl against servers that do what good ones never do.
@Suite("CurlEngine", .timeLimit(.minutes(10)))
struct CurlEngineTests {
  func engine(_ edit: (inout TransferSettings) -> Void = { _ in }) throws -> CurlEngine {
    var settings = TransferSettings()
    // Nothing here stalls unless a test is about that; a busy machine must not look like it.
    settings.stallTimeout = 50
    settings.connectTimeout = 20
    edit(&settings)
    return try CurlEngine(settings: settings)
  }

  func url(_ server: RawServer, _ path: String = "/") throws -> RemoteURL {
    try RemoteURL("http://\(server.host)\(path)")
  }

  func error(_ body: () async throws(TransferError) -> TransferResponse) async -> TransferError? {
    do throws(TransferError) {
      let response = try await body()
      Issue.record("no error, but \(response.head.status)")
      return nil
    } catch {
      return error
    }
  }

  @Test("brings status, fields and body, and reuses the connection")
  func getsBody() async throws {
    let server = try RawServer { .ok("hello \($0.target)", [("X-One", "1"), ("x-one", "2")]) }
    let engine = try engine()
    defer { engine.stop() }
    for number in 1...3 {
      let response = try await engine.perform(
        TransferRequest(.get, url(server, "/\(number)"), fields: HTTPFields([("X-Mine", "yes")])),
        limit: 100)
      #expect(response.head.status == 200)
      #expect(response.body == Array("hello /\(number)".utf8))
      #expect(response.head.fields.values("X-ONE") == ["1", "2"])
      #expect(response.timing.newConnections == (number == 1 ? 1 : 0))
    }
    #expect(server.connections == 1)
    #expect(server.requests.allSatisfy { $0["x-mine"] == "yes" && $0["host"] == server.host })
  }

  @Test("asks for closed ranges and posts forms")
  func rangesAndForms() async throws {
    let server = try RawServer { .ok($0.body) }
    let engine = try engine()
    defer { engine.stop() }
    _ = try await engine.perform(TransferRequest(.get, url(server), range: 10..<20), limit: 10)
    let form = TransferRequest(.post, try url(server), body: Array("a=b".utf8))
    #expect(try await engine.perform(form, limit: 10).body == Array("a=b".utf8))
    #expect(server.requests[0]["range"] == "bytes=10-19")
    #expect(server.requests[1].method == "POST" && server.requests[1]["expect"] == nil)
  }

  @Test("does not follow redirects")
  func doesNotFollow() async throws {
    let server = try RawServer { _ in .status(307, [("Location", "http://127.0.0.1:1/")]) }
    let engine = try engine()
    defer { engine.stop() }
    #expect(
      try await engine.perform(TransferRequest(.get, url(server)), limit: 10).head.status == 307)
  }

  @Test("streams into a window and ends when it is full, also in the middle of a body without end")
  func streamsIntoWindow() async throws {
    let content = Content.bytes(3_000_000, seed: 1)
    let server = try RawServer { _ in
      // It has no end.
      .raw(Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + content, .flood)
    }
    let engine = try engine()
    defer { engine.stop() }
    let written = Log<[UInt8]>()
    let window = FileWindow(1_000..<2_000_000) { bytes, _ in
      written.add(Array(bytes))
      return 0
    }
    _ = try await engine.perform(TransferRequest(.get, url(server))) { _, _ in
      .window(window, offset: 0)
    }
    #expect(window.isFull)
    #expect(written.all.flatMap { $0 } == Array(content[1_000..<2_000_000]))
  }

  @Test(
    "names what broke",
    arguments: [
      ([UInt8](), Reply.End.close, TransferError.Kind.broken),
      ([], .reset, .broken),
      (Array("HTTP/1.1 200 OK\r\nContent-Len".utf8), .close, .broken),
      (Reply.head(200, length: 100) + [1, 2, 3], .close, .broken),
      (Reply.head(200, length: 100) + [1, 2, 3], .reset, .broken),
      (Reply.head(200, length: 100) + [1, 2, 3], .hang, .stalled),
      (
        Reply.head(200, length: 1_000_000), .trickle([UInt8](repeating: 0x78, count: 10_000)),
        .stalled
      ),
      ([], .hang, .stalled),
      (Array("SSH-2.0-OpenSSH\r\n\r\n".utf8), .close, .broken),
      (Array("SSH-2.0-OpenSSH\r\n\r\n".utf8), .reset, .broken),
    ])
  func namesFailures(bytes: [UInt8], end: Reply.End, kind: TransferError.Kind) async throws {
    let server = try RawServer { _ in .raw(bytes, end) }
    let engine = try engine { if kind == .stalled { $0.stallTimeout = 2 } }
    defer { engine.stop() }
    let found = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://\(server.host)/")), limit: 1 << 20)
    }
    #expect(
      found?.kind == kind || (found?.kind == .badResponse && kind == .broken),
      "\(String(describing: found))")
    #expect(found?.isTransient == true)
  }

  @Test("a document that trickles without an end is given up, though a blob may be as slow")
  func endlessDocument() async throws {
    let bytes = Array("HTTP/1.1 200 OK\r\n\r\n".utf8)
    let server = try RawServer { _ in
      .raw(bytes, .trickle([UInt8](repeating: 0x78, count: 1_000_000)))
    }
    let engine = try engine {
      $0.stallTimeout = 2
      $0.minimumRate = 1
    }
    defer { engine.stop() }
    var request = TransferRequest(.get, try RemoteURL("http://\(server.host)/"))
    request.mayEndInSilence = true
    request.headTimeout = 50
    let response = try await engine.perform(request, limit: 1 << 20)
    // Nobody said how long it is: what came may be all, and who reads it is told that it may not.
    #expect(!response.body.isEmpty && response.stall?.message == "the answer had no end after 8 s")
  }

  @Test("a document whose connection stays open is what came, where nothing tells its length")
  func noLength() async throws {
    let server = try RawServer { request in
      let head = request.target == "/chunked" ? "Transfer-Encoding: chunked\r\n\r\n2\r\n" : "\r\n"
      return .raw(Array("HTTP/1.1 200 OK\r\n\(head){}".utf8), .hang)
    }
    let engine = try engine { $0.stallTimeout = 1 }
    defer { engine.stop() }
    var request = TransferRequest(.get, try url(server, "/"))
    request.mayEndInSilence = true
    // What came before the silence is there, however late the server was with it.
    request.headTimeout = 50
    let response = try await engine.perform(request, limit: 100)
    #expect(response.body == Array("{}".utf8) && response.stall?.kind == .stalled)
    for (path, tells) in [("/chunked", true), ("/", false)] {
      request = TransferRequest(.get, try url(server, path))
      request.mayEndInSilence = tells
      request.headTimeout = 50
      let asked = request
      let found = await error { () async throws(TransferError) in
        try await engine.perform(asked, limit: 100)
      }
      #expect(found?.kind == .stalled)
    }
  }

  @Test("a head may be long and its lines folded, up to a limit")
  func longHeads() async throws {
    let line = "X-Filler: \(String(repeating: "x", count: 1_000))\r\n"
    let filler = String(repeating: line, count: 200)
    let server = try RawServer { request in
      let fill = request.target == "/long" ? filler + filler : filler
      return .raw(
        Array(
          "HTTP/1.1 200 OK\r\n\(fill)X-Folded: one \r\n  two\r\n\tthree \r\nContent-Length: 2\r\n\r\nok"
            .utf8), .close)
    }
    let engine = try engine()
    defer { engine.stop() }
    let response = try await engine.perform(TransferRequest(.get, url(server, "/")), limit: 100)
    #expect(response.head.fields["x-folded"] == "one two three")
    let found = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://\(server.host)/long")), limit: 100)
    }
    #expect(found?.kind == .badResponse)
  }

  @Test(
    "what an answer left on its connection is not the next request's fault",
    arguments: ["\n", "\r\n", "<p>surplus</p>", String(repeating: "x", count: 1_000)])
  func leftovers(surplus: String) async throws {
    let asked = Mutex<[Int: Int]>([:])
    let server = try RawServer { request in
      let nth = asked.withLock { asked in
        asked[request.connection, default: 0] += 1
        return asked[request.connection] ?? 0
      }
      let answer = Reply.head(200, length: 2) + Array("ok".utf8)
      // Bytes that come late, so that whoever is next on the connection meets them.
      return .raw(nth == 1 ? answer : Array(surplus.utf8) + answer, .keep)
    }
    let engine = try engine()
    defer { engine.stop() }
    for _ in 0..<6 {
      let answer = try await engine.perform(
        TransferRequest(.get, RemoteURL("http://\(server.host)/")), limit: 100)
      #expect(answer.body == Array("ok".utf8))
    }
    // On a connection of its own it is nobody else's.
    let other = try RawServer { _ in .raw(Array(surplus.utf8), .close) }
    let found = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://\(other.host)/")), limit: 100)
    }
    #expect(found != nil && other.requests.count == 1)
  }

  @Test("a place that a server named is not connected to at a link-local address")
  func refusesLinkLocal() async throws {
    let engine = try engine()
    defer { engine.stop() }
    // As numbers: for libcurl a name like any other, until it has an address.
    var request = TransferRequest(.get, try RemoteURL("http://2852039166:1/"))
    request.addresses = .notLinkLocal
    let refused = request
    let found = await error { () async throws(TransferError) in
      try await engine.perform(refused, limit: 1)
    }
    #expect(found?.kind == .invalidURL && found?.message.contains("link-local") == true)
    #expect(found?.isTransient == false)
  }

  @Test(
    "with a proxy the host's address is judged, not the proxy's, and exceptions from it change nothing"
  )
  func judgesHostBehindProxy() async throws {
    let proxy = try RawServer { .ok("proxy \($0.target)") }
    let engine = try engine {
      $0.proxies = ProxyRule(plain: "http://\(proxy.host)", exceptions: "near.test")
    }
    defer { engine.stop() }
    func request(_ url: String) throws(TransferError) -> TransferRequest {
      var request = TransferRequest(.get, try RemoteURL(url))
      request.addresses = .notLinkLocal
      return request
    }
    let far = try await engine.perform(request("http://far.test/"), limit: 100)
    #expect(far.body == Array("proxy http://far.test/".utf8))
    for refused in [
      "http://169.254.169.254/", "http://[fe80::1]/", "http://0xA9FEA9FE/", "http://metadata/",
    ] {
      let found = await error { () async throws(TransferError) in
        try await engine.perform(request(refused), limit: 1)
      }
      #expect(found?.kind == .invalidURL && found?.message.contains("link-local") == true)
    }
    #expect(proxy.requests.count == 1)
  }

  @Test("a proxy at a link-local address is gone to, since the user chose it")
  func linkLocalProxy() async throws {
    let engine = try engine {
      $0.proxies = ProxyRule(plain: "http://169.254.9.9:1", exceptions: "near.test")
      $0.connectTimeout = 0.2
    }
    defer { engine.stop() }
    var request = TransferRequest(.get, try RemoteURL("http://far.test/"))
    request.addresses = .notLinkLocal
    // Whether anything is there is the network's business.
    do throws(TransferError) {
      _ = try await engine.perform(request, limit: 1 << 20)
    } catch {
      #expect(error.kind != .invalidURL, "\(error)")
    }
  }

  @Test(
    "what a SOCKS proxy says for good of a server is the server's absence, and other words may pass",
    arguments: [
      ("socks5", 4, TransferError.Kind.refused, "no such host, or no way to it"),
      ("socks5", 5, .refused, "nobody listens there"), ("socks5", 1, .proxy, ""),
      ("socks5", 3, .proxy, ""), ("socks5", 6, .proxy, ""),
      ("socks4a", 91, .refused, "no way to http://only-there.test:8080 (there is no such host"),
      ("socks4a", 92, .proxy, ""),
    ] as [(String, UInt8, TransferError.Kind, String)])
  func socksReplies(
    scheme: String, reply: UInt8, kind: TransferError.Kind, words: String
  ) async throws {
    let proxy = try SocksServer(answer: [], reply: reply)
    let engine = try engine {
      $0.proxies = ProxyRule(plain: "\(scheme)://user:secret@127.0.0.1:\(proxy.port)")
    }
    defer { engine.stop() }
    for _ in 0..<2 {
      let found = await error { () async throws(TransferError) in
        try await engine.perform(
          TransferRequest(.get, RemoteURL("http://only-there.test:8080/")), limit: 10)
      }
      #expect(found?.kind == kind, "\(String(describing: found))")
      let message = found?.message ?? ""
      #expect(words.isEmpty || message.contains(words), "\(message)")
      #expect(message.contains("\(scheme == "socks5" ? "socks5h" : scheme)://127.0.0.1"))
      // It is not the proxy that is not there.
      #expect((found?.failedProxy == nil) == (kind == .refused))
    }
  }

  @Test("a name that is looked up here for a SOCKS proxy is asked of the system, as any other is")
  func socksNames() async throws {
    let proxy = try SocksServer(answer: [])
    let engine = try engine { $0.proxies = ProxyRule(plain: "socks4://127.0.0.1:\(proxy.port)") }
    defer { engine.stop() }
    let found = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://does-not-exist.invalid/")), limit: 1)
    }
    #expect(found?.message.contains("socks4://127.0.0.1:\(proxy.port) takes addresses") == true)
    // What name servers say of it, or whether there are any, depends on the machine.
    #expect(found?.kind == .resolve || found?.kind == .noSuchHost)
  }

  @Test(
    "where no connection was ever made within its time, nobody is there, as far as one can tell")
  func unanswered() async throws {
    // A queue of connections that is full, and from which nobody takes one.
    let (listener, port) = try LoopbackListener.open(queue: 0)
    let callers = (0..<4).map { _ in LoopbackListener.call(port) }
    defer { for socket in callers + [listener] { close(socket) } }
    let engine = try engine { $0.connectTimeout = 0.3 }
    defer { engine.stop() }
    let found = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://127.0.0.1:\(port)/")), limit: 1)
    }
    #expect(found?.kind == .unanswered, "\(String(describing: found))")
    #expect(found?.isAbsence == true && found?.isTransient == false)
  }

  @Test(
    "SOCKS proxies get the name to look up, in either notation", arguments: ["socks5", "socks5h"])
  func socksLooksUp(scheme: String) async throws {
    let proxy = try SocksServer(
      answer: Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".utf8))
    let engine = try engine {
      $0.proxies = ProxyRule(plain: "\(scheme)://user:secret@127.0.0.1:\(proxy.port)")
    }
    defer { engine.stop() }
    let response = try await engine.perform(
      TransferRequest(.get, RemoteURL("http://only-there.test:8080/")), limit: 10)
    #expect(response.body == Array("hi".utf8))
    #expect(proxy.asked == ["user:secret", "only-there.test:8080"])
  }

  @Test("refuses a body or a header without end")
  func refusesGiants() async throws {
    let server = try RawServer { request in
      request.target == "/body"
        ? .ok([UInt8](repeating: 0, count: 5_000))
        : .raw(
          Array(("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 110_000) + "\r\n").utf8),
          .hang)
    }
    let engine = try engine()
    defer { engine.stop() }
    for path in ["/body", "/header"] {
      let found = await error { () async throws(TransferError) in
        try await engine.perform(
          TransferRequest(.get, RemoteURL("http://\(server.host)\(path)")), limit: 4_999)
      }
      #expect(found?.kind == .badResponse)
    }
  }

  @Test("nobody listening is a refusal, a name without an address a failure to resolve it")
  func connectErrors() async throws {
    let server = try RawServer { _ in .status(200) }
    let port = server.port
    server.stop()
    let engine = try engine()
    defer { engine.stop() }
    let refused = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://127.0.0.1:\(port)/")), limit: 1)
    }
    #expect(refused?.kind == .refused)
    let unknown = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://does-not-exist.invalid/")), limit: 1)
    }
    // What name servers say of it, or whether there are any, depends on the machine.
    #expect(unknown?.kind == .resolve || unknown?.kind == .noSuchHost)
    withExtendedLifetime(server) {}
  }

  @Test("who has taken a request before refuses for a while, whatever became of its answer")
  func refusesForAWhile() async throws {
    let server = try RawServer { _ in .raw(Array("HTTP/1.1 200 O".utf8), .close) }
    let engine = try engine()
    defer { engine.stop() }
    func ask() async throws -> TransferError? {
      let url = try RemoteURL("http://127.0.0.1:\(server.port)/")
      return await error { () async throws(TransferError) in
        try await engine.perform(TransferRequest(.get, url), limit: 1)
      }
    }
    #expect(try await ask()?.kind == .broken)
    server.stop()
    #expect(try await ask()?.kind == .connect)
  }

  @Test("TLS with a server that speaks plain HTTP is told apart")
  func notTLS() async throws {
    let engine = try engine()
    defer { engine.stop() }
    // The raw server waits for a whole request; this one answers whatever arrives.
    let eager = try EagerServer(answer: Array("HTTP/1.0 400 Bad Request\r\n\r\n".utf8))
    let found = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("https://127.0.0.1:\(eager.port)/")), limit: 1)
    }
    #expect(found?.kind == .notTLS)
  }

  @Test("a full disk ends the transfer with its errno")
  func diskErrors() async throws {
    let server = try RawServer { _ in .ok([1, 2, 3]) }
    let engine = try engine()
    defer { engine.stop() }
    let window = FileWindow(0..<3) { _, _ in 28 }
    let found = await error { () async throws(TransferError) in
      try await engine.perform(TransferRequest(.get, RemoteURL("http://\(server.host)/"))) { _, _ in
        .window(window, offset: 0)
      }
    }
    #expect(found?.kind == .disk(errno: 28))
    #expect(found?.isTransient == false)
  }

  @Test("a cancelled task ends its transfer")
  func cancels() async throws {
    let reached = Gate()
    let server = try RawServer { _ in
      reached.open()
      return .raw(Reply.head(200, length: 10), .hang)
    }
    let engine = try engine { $0.stallTimeout = 50 }
    defer { engine.stop() }
    let task = Task { [url = try url(server)] in
      await error { () async throws(TransferError) in
        try await engine.perform(TransferRequest(.get, url), limit: 10)
      }
    }
    await reached.opened()
    task.cancel()
    #expect(await task.value?.kind == .cancelled)
  }

  @Test("stopping the engine ends everything, and what comes later")
  func stops() async throws {
    let reached = Gate()
    let server = try RawServer { _ in
      reached.open()
      return .raw([], .hang)
    }
    let engine = try engine { $0.stallTimeout = 50 }
    let task = Task { [url = try url(server)] in
      await error { () async throws(TransferError) in
        try await engine.perform(TransferRequest(.get, url), limit: 10)
      }
    }
    await reached.opened()
    engine.stop()
    #expect(await task.value?.kind == .cancelled)
    let later = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://\(server.host)/")), limit: 10)
    }
    #expect(later?.kind == .cancelled)
  }

  @Test("a rate limit does not count as a stall")
  func limitedIsNotStalled() async throws {
    let content = Content.bytes(60_000, seed: 3)
    let server = try RawServer { _ in .ok(content) }
    let engine = try engine {
      $0.rateLimit = 20_000
      $0.minimumRate = 1_000_000
      $0.stallTimeout = 1.5
    }
    defer { engine.stop() }
    var request = TransferRequest(.get, try url(server))
    request.headTimeout = 50
    #expect(try await engine.perform(request, limit: 100_000).body == content)
  }

  @Test(
    "a request that may wait longer for its head does, and its body has no longer time for that")
  func headPatience() async throws {
    let go = Gate()
    let server = try RawServer { request in
      if request.target == "/late" { go.pass() }
      return request.target == "/body" ? .raw(Reply.head(200, length: 10), .hang) : .ok("late")
    }
    let engine = try engine { $0.stallTimeout = 1 }
    defer { engine.stop() }
    func patient(_ path: String) throws(TransferError) -> TransferRequest {
      var request = TransferRequest(.get, try RemoteURL("http://\(server.host)\(path)"))
      request.headTimeout = 50
      return request
    }
    let late = Task { [request = try patient("/late")] in
      try await engine.perform(request, limit: 10)
    }
    // While it waits, others come to their ends: one by the engine's patience, one by it after its head.
    let plain = await error { () async throws(TransferError) in
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://\(server.host)/late")), limit: 10)
    }
    #expect(plain == TransferError(.stalled, "no answer came for 1 s"))
    let body = await error { () async throws(TransferError) in
      try await engine.perform(patient("/body"), limit: 10)
    }
    var stalled = TransferError(.stalled, "less than 512 bytes/s arrived for 1 s")
    stalled.hasHead = true
    #expect(body == stalled)
    go.open()
    #expect(try await late.value.body == Array("late".utf8))
  }

  @Test("a request that may wait less for its head gives up sooner than the engine would")
  func headImpatience() async throws {
    let server = try RawServer { _ in .raw([], .hang) }
    let engine = try engine { $0.stallTimeout = 50 }
    defer { engine.stop() }
    var request = TransferRequest(.get, try url(server))
    request.headTimeout = 1
    let found = await error { [request] () async throws(TransferError) in
      try await engine.perform(request, limit: 10)
    }
    #expect(found == TransferError(.stalled, "no answer came for 1 s"))
  }

  @Test("a malformed proxy address is not repeated, password included")
  func hidesProxyPassword() async throws {
    let engine = try engine { $0.proxies = ProxyRule(plain: "http://user:pass word@proxy:8080") }
    defer { engine.stop() }
    let found = await error { () async throws(TransferError) in
      try await engine.perform(TransferRequest(.get, RemoteURL("http://far.example/")), limit: 1)
    }
    #expect(found?.message.contains("word") == false)
  }

  @Test("many that start, cancel and stop at the same time bring nothing down")
  func startsWhileStopping() async throws {
    let server = try RawServer { _ in .ok("x") }
    let url = try url(server)
    for _ in 0..<20 {
      let engine = try engine()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask { _ = try? await engine.perform(TransferRequest(.get, url), limit: 10) }
        }
        group.addTask { engine.stop() }
        group.cancelAll()
      }
      engine.stop()
    }
    #expect(server.connections <= 160)
  }

  @Test("many transfers at a time each have a connection of their own")
  func ownConnections() async throws {
    let arrived = Counter()
    let all = Gate()
    let server = try RawServer { _ in
      if arrived.next() == 20 { all.open() }
      all.pass()
      return .ok("x")
    }
    let engine = try engine { $0.stallTimeout = 50 }
    defer { engine.stop() }
    let url = try url(server)
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<20 {
        group.addTask { (try? await engine.perform(TransferRequest(.get, url), limit: 10)) != nil }
      }
      for await done in group { #expect(done) }
    }
    #expect(server.connections == 20)
  }

  @Test("where nobody is at a proxy, the error names it, without its password")
  func deadProxy() async throws {
    let gone = try RawServer { _ in .status(200) }
    gone.stop()
    let engine = try engine { $0.proxies = ProxyRule(plain: "http://u:s3cret@\(gone.host)") }
    defer { engine.stop() }
    await #expect {
      try await engine.perform(
        TransferRequest(.get, RemoteURL("http://far.example/x")), limit: 100)
    } throws: { error in
      let error = error as? TransferError
      return error?.failedProxy == "http://\(gone.host)"
        && error.map { "\($0)" }?.contains("s3cret") == false
    }
  }

  /// The error of a request to somewhere far through a proxy.
  private func failure(
    through proxy: String, _ url: String, _ change: (inout TransferSettings) -> Void = { _ in }
  ) async throws -> TransferError? {
    let engine = try engine {
      $0.proxies = ProxyRule(plain: proxy, secure: proxy)
      change(&$0)
    }
    defer { engine.stop() }
    do {
      _ = try await engine.perform(TransferRequest(.get, RemoteURL(url)), limit: 100)
      return nil
    } catch { return error }
  }

  static let farPlaces = ["http://far.example/x", "https://far.example/x"]

  @Test(
    "a proxy that speaks no TLS is named where TLS was asked of it (docker/docs#6837)",
    arguments: farPlaces)
  func plainProxy(url: String) async throws {
    let proxy = try EagerServer(answer: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
    let shown = "https://127.0.0.1:\(proxy.port)"
    let address = "https://u:s3cret@127.0.0.1:\(proxy.port)"
    let error = try #require(try await failure(through: address, url))
    #expect(error.kind == .notTLS && error.failedProxy == shown, "\(error)")
    #expect(error.message.hasPrefix("the proxy \(shown): "), "\(error)")
  }

  @Test(
    "a proxy's certificate is the proxy's, until it is trusted (docker/docs#6837)",
    .enabled(if: ProcessInfo.processInfo.environment["CAIRN_TEST_TLS"] != nil), arguments: farPlaces
  )
  func proxyCertificate(url: String) async throws {
    let host = try #require(ProcessInfo.processInfo.environment["CAIRN_TEST_TLS"])
    let error = try #require(try await failure(through: "https://\(host)", url))
    #expect(error.kind == .tls && error.failedProxy == "https://\(host)", "\(error)")
    let trusted = try await failure(through: "https://\(host)", url) { $0.trustTestServers() }
    #expect(trusted?.kind != .tls && trusted?.failedProxy == nil)
  }

  @Test("a proxy without an address is named (skopeo#636)", arguments: farPlaces)
  func unknownProxy(url: String) async throws {
    let error = try #require(try await failure(through: "http://proxy.invalid:3128", url))
    #expect(error.failedProxy == "http://proxy.invalid:3128", "\(error)")
  }

  @Test("a proxy gets the request, in its own notation; loopback goes around it")
  func usesProxy() async throws {
    let proxy = try RawServer { .ok("proxy \($0.target)") }
    let server = try RawServer { _ in .ok("direct") }
    let engine = try engine {
      $0.proxies = ProxyRule(plain: "http://\(proxy.host)")
    }
    defer { engine.stop() }
    let far = try await engine.perform(
      TransferRequest(.get, RemoteURL("http://far.example/x")), limit: 100)
    #expect(far.body == Array("proxy http://far.example/x".utf8))
    #expect(
      try await engine.perform(TransferRequest(.get, url(server)), limit: 100).body
        == Array("direct".utf8))
  }

  @Test(
    "small requests share a connection by HTTP/2, all others have one each",
    .enabled(if: ProcessInfo.processInfo.environment["CAIRN_TEST_TLS"] != nil))
  func sharesConnections() async throws {
    let environment = ProcessInfo.processInfo.environment
    let host = try #require(environment["CAIRN_TEST_TLS"])
    for shares in [true, false] {
      let engine = try engine {
        $0.trustTestServers()
        $0.stallTimeout = 50
      }
      defer { engine.stop() }
      let url = try RemoteURL("https://\(host)/v2/")
      let connections = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<8 {
          group.addTask {
            let request = TransferRequest(.get, url, sharesConnection: shares)
            let response = try await engine.perform(request, limit: 1_000)
            #expect(response.head.status == 200)
            return response.timing.newConnections
          }
        }
        return try await group.reduce(0, +)
      }
      // Without sharing a quick answer may leave its connection to a late request.
      #expect(shares ? connections == 1 : connections > 1)
    }
  }
}
