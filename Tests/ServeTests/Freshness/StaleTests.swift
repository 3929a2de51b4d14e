import Foundation
import Hashing
import OCI
import Registry
@testable import Serve
import Store
import Support
import Synchronization
import Testing

/// Tags while upstream changes its mind, and while it is down.
@Suite("Freshness of the local endpoint", .timeLimit(.minutes(10)))
struct StaleTests {
  /// A registry whose tag means one of several manifests, and which may be out of order.
  final class Fickle: Sendable {
    let state = Mutex((number: 0, status: 200, words: ""))
    let head: Int
    static let blob = Content.bytes(200_000, seed: 3)

    /// - Parameter head: the status of its answers to HEAD, while all is well.
    init(head: Int = 200) { self.head = head }

    static func manifest(_ number: Int) -> [UInt8] {
      Vault.manifest.dropLast() + Array(",\"annotations\":{\"number\":\"\(number)\"}}".utf8)
    }

    /// - Parameter waits: before a request is answered.
    func serve(_ waits: @escaping @Sendable () -> Void = {}) throws -> RawServer {
      let blob = try Digest.of(Self.blob)
      return try RawServer { [self] request in
        waits()
        let (number, status, words) = state.withLock { $0 }
        // Silence.
        if status == 0 { return .raw([], .hang) }
        guard status == 200 else { return .response(status, [], Array(words.utf8)) }
        if request.target.contains("/blobs/") {
          guard request.target.contains("\(blob)") else { return .status(404) }
          guard let range = request.range else { return .ok(Self.blob) }
          let end = min(range.upperBound, Self.blob.count)
          return .response(
            206, [("Content-Range", "bytes \(range.lowerBound)-\(end - 1)/\(Self.blob.count)")],
            Array(Self.blob[range.lowerBound..<end]))
        }
        if request.method == "HEAD", head != 200 { return .status(head) }
        let all = [Self.manifest(0), Self.manifest(1)]
        let asked = all.first { manifest in
          (try? Digest.of(manifest)).map { request.target.contains("\($0)") } ?? false
        }
        let body = asked ?? all[number]
        return .ok(
          body,
          [
            ("Content-Type", "application/vnd.oci.image.manifest.v1+json"),
            ("Docker-Content-Digest", (try? Digest.of(body)).map { "\($0)" } ?? ""),
          ])
      }
    }
  }

  static func warning(_ answer: (status: Int, fields: [(String, String)], body: [UInt8])) -> String?
  {
    answer.fields.first { $0.0 == "warning" }?.1
  }

  @Test(
    "a tag is asked for each time, also where it is in the cache",
    arguments: [200, 405, 500, 502, 503])
  func fresh(head status: Int) async throws {
    let fickle = Fickle(head: status)
    let server = try fickle.serve()
    let desk = try await Desk([server.host], staleSeconds: 3600)
    let target = "/v2/a/manifests/latest?ns=\(server.host)"
    for number in [0, 1, 0, 0] {
      fickle.state.withLock { $0.number = number }
      let head = try await desk.get(target, method: "HEAD")
      #expect(
        head.fields.first { $0.0 == "docker-content-digest" }?.1
          == "\(try Digest.of(Fickle.manifest(number)))")
      let answer = try await desk.get(target)
      #expect(answer.status == 200 && answer.body == Fickle.manifest(number))
      #expect(Self.warning(answer) == nil)
    }
    if status == 200 {
      // What is in the cache is not fetched again.
      let fetched = server.requests.filter {
        $0.method == "GET" && $0.target.contains("/manifests/")
      }
      // A header that names what was there before is no proof that it is there again.
      #expect(fetched.count == 3)
    }
    await desk.close()
  }

  @Test(
    "a tag means what was sent for it, whatever the head of its answer names, and is in the cache")
  func wrongHead() async throws {
    let old = Fickle.manifest(0)
    let new = Fickle.manifest(1)
    let oldDigest = "\(try Digest.of(old))"
    let server = try RawServer { request in
      let type = ("Content-Type", "application/vnd.oci.image.manifest.v1+json")
      guard request.target.contains("/manifests/latest"), request.method != "HEAD" else {
        return .ok(old, [type, ("Docker-Content-Digest", oldDigest)])
      }
      return .ok(new, [type, ("Docker-Content-Digest", oldDigest)])
    }
    var time = Timekeeper()
    time.sleep = { _ in }
    let desk = try await Desk([server.host], rule: .init(), time: time)
    #expect(try await desk.get("/v2/a/manifests/old?ns=\(server.host)").body == old)
    for _ in 0..<3 {
      let answer = try await desk.get("/v2/a/manifests/latest?ns=\(server.host)")
      #expect(answer.body == new)
      let named = answer.fields.first { $0.0 == "docker-content-digest" }?.1
      #expect(named == "\(try Digest.of(new))")
    }
    await desk.close()
  }

  @Test(
    "a tag that moved is had from a registry that has manifests by tags alone",
    arguments: [400, 404])
  func byTagAlone(status: Int) async throws {
    let number = Mutex(0)
    let server = try RawServer { request in
      guard request.target.contains("/manifests/latest") else { return .status(status) }
      let body = Fickle.manifest(number.withLock { $0 })
      return .ok(
        body,
        [
          ("Content-Type", "application/vnd.oci.image.manifest.v1+json"),
          ("Docker-Content-Digest", (try? Digest.of(body)).map { "\($0)" } ?? ""),
        ])
    }
    let desk = try await Desk([server.host], staleSeconds: 3600)
    for turn in 0..<2 {
      number.withLock { $0 = turn }
      let answer = try await desk.get("/v2/a/manifests/latest?ns=\(server.host)")
      #expect(answer.status == 200 && answer.body == Fickle.manifest(turn))
    }
    await desk.close()
  }

  @Test(
    "while upstream is down the last answer is given with a warning, its blob, too",
    arguments: [500, 503])
  func stale(status: Int) async throws {
    let fickle = Fickle()
    let server = try fickle.serve()
    let desk = try await Desk([server.host], staleSeconds: 3600)
    let target = "/v2/a/manifests/latest?ns=\(server.host)"
    let blob = "/v2/a/blobs/\(try Digest.of(Fickle.blob))?ns=\(server.host)"
    #expect(try await desk.get(target).status == 200)
    #expect(try await desk.get(blob).body == Fickle.blob)
    fickle.state.withLock { $0.status = status }
    let answer = try await desk.get(target)
    #expect(answer.status == 200 && answer.body == Fickle.manifest(0))
    #expect(Self.warning(answer)?.hasPrefix("110 ") == true)
    #expect(try await desk.get(blob).body == Fickle.blob)
    // Of another tag, and for another caller, nothing is known.
    let other = try await desk.get("/v2/a/manifests/other?ns=\(server.host)")
    #expect(other.status >= 429)
    let caller = try await desk.get(target, [("Authorization", "Bearer x")])
    #expect(caller.status >= 429)
    await desk.close()
  }

  @Test(
    "while upstream says nothing the last answer is given soon, its blob, too, and none with --stale 0",
    arguments: [3600.0, 0])
  func silent(seconds: Double) async throws {
    let fickle = Fickle()
    let server = try fickle.serve()
    var rule = RepositoryClient.RetryRule()
    (rule.retries, rule.silenceLimit) = (0, seconds > 0 ? 1000 : 1)
    let first = try await Desk([server.host], staleSeconds: 3600)
    let manifest = "manifests/\(try Digest.of(Fickle.manifest(0)))"
    let targets = ["manifests/latest", manifest, "blobs/\(try Digest.of(Fickle.blob))"]
    #expect(try await Self.statuses(targets, at: first, server) == [200, 200, 200])
    await first.close()
    first.tags.save()
    fickle.state.withLock { $0.status = 0 }
    let desk = try await Desk(
      [server.host], staleSeconds: seconds, after: first, rule: rule,
      stalePatience: (.milliseconds(100), .milliseconds(10)))
    for method in ["GET", "HEAD"] {
      for target in targets {
        let answer = try await desk.get("/v2/a/\(target)?ns=\(server.host)", method: method)
        #expect(answer.status == (seconds > 0 ? 200 : 504))
      }
    }
    await desk.close()
  }

  @Test("while upstream leads to a web site that has no such page the last answer is given")
  func webSite() async throws {
    let site = try RawServer { _ in
      .response(404, [("Content-Type", "text/html")], Array("<!doctype html>".utf8))
    }
    let isLost = Mutex(false)
    let server = try RawServer { _ in
      guard isLost.withLock({ $0 }) else {
        let type = "application/vnd.oci.image.manifest.v1+json"
        return .ok(Fickle.manifest(0), [("Content-Type", type)])
      }
      return .response(307, [("Location", "http://\(site.host)/x")], [])
    }
    let desk = try await Desk([server.host], staleSeconds: 3600)
    let target = "/v2/a/manifests/latest?ns=\(server.host)"
    #expect(try await desk.get(target).status == 200)
    isLost.withLock { $0 = true }
    let answer = try await desk.get(target)
    #expect(answer.status == 200 && answer.body == Fickle.manifest(0))
    #expect(Self.warning(answer)?.hasPrefix("110 ") == true)
    await desk.close()
  }

  @Test("what upstream says after somebody was given the last answer counts for the next one")
  func lateWord() async throws {
    let fickle = Fickle()
    let gate = Gate()
    let isSlow = Mutex(false)
    let server = try fickle.serve { if isSlow.withLock({ $0 }) { gate.pass() } }
    let desk = try await Desk(
      [server.host], staleSeconds: 3600, stalePatience: (.milliseconds(10), .milliseconds(10)))
    let target = "/v2/a/manifests/latest?ns=\(server.host)"
    #expect(try await desk.get(target).status == 200)
    isSlow.withLock { $0 = true }
    fickle.state.withLock { $0.number = 1 }
    let old = try await desk.get(target)
    #expect(old.body == Fickle.manifest(0) && Self.warning(old)?.hasPrefix("110 ") == true)
    gate.open()
    try await eventually { try await desk.get(target).body == Fickle.manifest(1) }
    await desk.close()
  }

  @Test(
    "after a restart, too, while upstream is down: what anybody was granted, and nothing else",
    arguments: [3600.0, 0])
  func staleAfterRestart(seconds: Double) async throws {
    let fickle = Fickle()
    let server = try fickle.serve()
    let ns = "?ns=\(server.host)"
    let manifest = try Digest.of(Fickle.manifest(0))
    let blob = try Digest.of(Fickle.blob)
    let token = [("Authorization", "Bearer x")]
    let first = try await Desk([server.host], staleSeconds: seconds)
    #expect(try await first.get("/v2/a/manifests/latest\(ns)").status == 200)
    #expect(try await first.get("/v2/a/manifests/\(manifest)\(ns)").status == 200)
    #expect(try await first.get("/v2/a/blobs/\(blob)\(ns)").body == Fickle.blob)
    #expect(try await first.get("/v2/closed/blobs/\(blob)\(ns)", token).body == Fickle.blob)
    await first.close()
    first.tags.save()
    fickle.state.withLock { $0.status = 500 }
    let desk = try await Desk([server.host], staleSeconds: seconds, after: first)
    let isGiven = seconds > 0
    for target in ["manifests/latest", "manifests/\(manifest)"] {
      let answer = try await desk.get("/v2/a/\(target)\(ns)")
      #expect((answer.status == 200) == isGiven)
      #expect((Self.warning(answer)?.hasPrefix("110 ") ?? false) == isGiven)
    }
    let answer = try await desk.get("/v2/a/blobs/\(blob)\(ns)")
    #expect((answer.status == 200 && answer.body == Fickle.blob) == isGiven)
    // Not in another repository, nor for another caller, nor for the same one: what he showed is forgotten.
    for (target, fields) in [
      ("closed/blobs/\(blob)", []), ("closed/blobs/\(blob)", token), ("a/blobs/\(blob)", token),
      ("b/blobs/\(blob)", []),
    ] {
      #expect(try await desk.get("/v2/\(target)\(ns)", fields).status >= 429)
    }
    await desk.close()
  }

  @Test("with --stale 0 nothing is given while upstream is down, and what it denies is never stale")
  func neverStale() async throws {
    for (staleSeconds, status) in [(0.0, 500), (3600, 404), (3600, 401)] {
      let fickle = Fickle()
      let server = try fickle.serve()
      let desk = try await Desk([server.host], staleSeconds: staleSeconds)
      let target = "/v2/a/manifests/latest?ns=\(server.host)"
      #expect(try await desk.get(target).status == 200)
      fickle.state.withLock { $0.status = status }
      let answer = try await desk.get(target)
      #expect(answer.status == (status == 500 ? 502 : status))
      await desk.close()
    }
  }

  /// Upstream's answers, one after the other, to whoever asks in each of the ways.
  private static func statuses(
    _ targets: [String], at desk: Desk, _ server: RawServer
  ) async throws -> [Int] {
    var all: [Int] = []
    for target in targets {
      all.append(try await desk.get("/v2/a/\(target)?ns=\(server.host)").status)
    }
    return all
  }

  @Test(
    "what upstream has denied since is not given while it is down, also after a restart",
    arguments: [401, 403, 404, 400, 402, 451], [429, 503])
  func denied(denial: Int, outage: Int) async throws {
    let fickle = Fickle()
    let server = try fickle.serve()
    let manifest = try Digest.of(Fickle.manifest(0))
    let targets = [
      "manifests/latest", "manifests/\(manifest)", "blobs/\(try Digest.of(Fickle.blob))",
    ]
    let first = try await Desk([server.host], staleSeconds: 3600)
    #expect(try await Self.statuses(targets, at: first, server) == [200, 200, 200])
    first.tags.save()
    fickle.state.withLock { $0.status = denial }
    // Within five minutes what was granted is given without a question.
    let whileGranted = try await Self.statuses(targets, at: first, server)
    #expect(whileGranted[0] == ([401: 401, 403: 401, 404: 404][denial] ?? 502))
    await first.close()
    first.tags.save()
    let second = try await Desk([server.host], staleSeconds: 3600, after: first)
    #expect(try await Self.statuses(targets, at: second, server).allSatisfy { $0 >= 400 })
    fickle.state.withLock { $0.status = outage }
    #expect(try await Self.statuses(targets, at: second, server).allSatisfy { $0 >= 429 })
    await second.close()
    second.tags.save()
    let third = try await Desk([server.host], staleSeconds: 3600, after: second)
    #expect(try await Self.statuses(targets, at: third, server).allSatisfy { $0 >= 429 })
    await third.close()
  }

  @Test("a manifest that is not there any more by its digest is not stale by its tag, either")
  func deniedByDigest() async throws {
    let fickle = Fickle()
    let (server, digest) = (try fickle.serve(), try Digest.of(Fickle.manifest(0)))
    let first = try await Desk([server.host], staleSeconds: 3600)
    let targets = ["manifests/latest", "manifests/\(digest)"]
    #expect(try await Self.statuses(targets, at: first, server) == [200, 200])
    await first.close()
    first.tags.save()
    let desk = try await Desk([server.host], staleSeconds: 3600, after: first)
    fickle.state.withLock { $0.status = 404 }
    #expect(try await Self.statuses([targets[1]], at: desk, server) == [404])
    fickle.state.withLock { $0.status = 503 }
    #expect(try await Self.statuses(targets, at: desk, server).allSatisfy { $0 >= 429 })
    await desk.close()
  }

  @Test("what is forgotten is written down soon, whether the process has time to say so or not")
  func lossesAreKept() async throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    let key = TagMemory.Key(registry: "r.io", repository: "a", tag: "1", caller: .anonymous)
    let tags = SharedTags(keptIn: store, staleSeconds: 3600)
    tags.note(key, try Digest.of([1]), size: 1)
    tags.save()
    #expect(SharedTags(keptIn: store, staleSeconds: 3600).knows(key))
    let recorder = Task { await tags.saveLosses() }
    tags.forget(key)
    try await eventually { !SharedTags(keptIn: store, staleSeconds: 3600).knows(key) }
    recorder.cancel()
    await recorder.value
  }

  @Test(
    "who is not let in to a repository by its tag has nothing of it while upstream is down",
    arguments: [(401, ""), (404, #"{"errors":[{"code":"NAME_UNKNOWN"}]}"#)])
  func deniedRepository(denial: Int, words: String) async throws {
    let fickle = Fickle()
    let server = try fickle.serve()
    let manifest = try Digest.of(Fickle.manifest(0))
    let targets = [
      "manifests/latest", "manifests/\(manifest)", "blobs/\(try Digest.of(Fickle.blob))",
    ]
    let desk = try await Desk([server.host], staleSeconds: 3600)
    #expect(try await Self.statuses(targets, at: desk, server) == [200, 200, 200])
    fickle.state.withLock { ($0.status, $0.words) = (denial, words) }
    #expect(try await Self.statuses(["manifests/latest"], at: desk, server) == [denial])
    fickle.state.withLock { $0.status = 503 }
    #expect(try await Self.statuses(targets, at: desk, server).allSatisfy { $0 >= 429 })
    await desk.close()
  }

  @Test("what is not there is forgotten alone, and what else was granted may be given")
  func missing() async throws {
    let fickle = Fickle()
    let server = try fickle.serve()
    let manifest = "manifests/\(try Digest.of(Fickle.manifest(0)))"
    let desk = try await Desk([server.host], staleSeconds: 3600)
    let targets = ["manifests/latest", manifest]
    #expect(try await Self.statuses(targets, at: desk, server) == [200, 200])
    fickle.state.withLock { $0.status = 404 }
    #expect(try await Self.statuses(["manifests/latest"], at: desk, server) == [404])
    fickle.state.withLock { $0.status = 503 }
    let after = try await Self.statuses(targets, at: desk, server)
    #expect(after[0] >= 429 && after[1] == 200)
    await desk.close()
  }

  @Test("what anybody was told is known after a restart")
  func restart() throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("cache"))
    let key = TagMemoryTests.key()
    let first = SharedTags(keptIn: store, staleSeconds: 60, now: { 1000 })
    first.note(key, try TagMemoryTests.digest("ab"), size: 7)
    first.save()
    let again = SharedTags(keptIn: store, staleSeconds: 60, now: { 1030 })
    #expect(again.answer(key)?.size == 7)
    #expect(SharedTags(keptIn: store, staleSeconds: 60, now: { 1100 }).answer(key) == nil)
    #expect(SharedTags(keptIn: store, staleSeconds: 0, now: { 1000 }).answer(key) == nil)
  }
}
