import Foundation
import OCI
import Pull
import Registry
import Store
import Support
import Testing
import Tuning

/// What a good registry never does: each ends in the right image, or in a clear error that loses nothing.
@Suite("Faults", .timeLimit(.minutes(10)), .serialized)
struct FaultTests {
  static let layer = Content.bytes(700_000, seed: 1)

  /// Makes every so many requests for the layer go wrong.
  static func faulty(
    _ image: FakeImage, every: Int = 3,
    _ fault: @escaping @Sendable (ServedRequest, [UInt8]) -> Reply?
  )
    throws -> FakeRegistry
  {
    let count = Counter()
    return try FakeRegistry(image) { request in
      guard request.target.contains("\(image.layers[0])") else { return nil }
      return count.next() % every == 1 || every == 1 ? fault(request, Self.layer) : nil
    }
  }

  static func part(_ request: ServedRequest, _ bytes: [UInt8]) -> [UInt8] {
    let range = request.range ?? 0..<bytes.count
    return Array(bytes[range.lowerBound..<min(range.upperBound, bytes.count)])
  }

  static func partHead(_ request: ServedRequest, _ bytes: [UInt8]) -> [UInt8] {
    let range = request.range ?? 0..<bytes.count
    return Reply.head(
      206, length: range.count,
      [("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(bytes.count)")])
  }

  @Test(
    "is survived",
    arguments: [
      "reset before the head", "head cut off", "body cut off", "reset in the body",
      "cut at the last byte",
      "500", "502", "503", "504", "408", "429", "429 with Retry-After", "200 for a range", "416",
      "206 without Content-Range", "206 with another range", "206 with fewer bytes", "stall",
      "trickle",
      "re-encoded", "not HTTP",
    ])
  func survives(fault: String) async throws {
    let image = try FakeImage(layers: [Self.layer])
    let registry = try Self.faulty(image) { request, bytes in
      let part = Self.part(request, bytes)
      let head = Self.partHead(request, bytes)
      switch fault {
      case "reset before the head": return .raw([], .reset)
      case "head cut off": return .raw(Array(head.prefix(20)), .close)
      case "body cut off": return .raw(head + part.prefix(part.count / 2), .close)
      case "reset in the body": return .raw(head + part.prefix(part.count / 2), .reset)
      case "cut at the last byte": return .raw(head + part.dropLast(), .close)
      case "429 with Retry-After": return .status(429, [("Retry-After", "1")])
      case "200 for a range": return .ok(bytes)
      case "206 without Content-Range": return .response(206, [], part)
      case "206 with another range":
        return .response(206, [("Content-Range", "bytes 1-\(part.count)/\(bytes.count)")], part)
      case "206 with fewer bytes":
        let start = request.range?.lowerBound ?? 0
        let fewer = Array(part.prefix(max(1, part.count / 3)))
        return .response(
          206, [("Content-Range", "bytes \(start)-\(start + fewer.count - 1)/\(bytes.count)")],
          fewer)
      case "stall": return .raw(head + part.prefix(100), .hang)
      case "trickle":
        // 20 bytes a second.
        return .raw(head, .trickle(part))
      case "re-encoded": return .response(200, [("Content-Encoding", "gzip")], [1, 2, 3])
      case "not HTTP": return .raw(Array("SSH-2.0\r\n\r\n".utf8), .close)
      default: return .status(Int(fault) ?? 500)
      }
    }
    let isSilent = fault == "stall" || fault == "trickle"
    let bench = try Bench(stallTimeout: isSilent ? 1 : 50)
    var request = try bench.request("\(registry.host)/o/n", workers: 3)
    request.settings.retries = 8
    // A busy machine may be silent for so short a while, too, and more than once.
    request.settings.stalls = 100
    try await bench.pull(request)
    try bench.expectWhole(image)
  }

  /// Many workers, two for half a second when something has come, and many again.
  struct Shrinking: Policy {
    var samples = 0
    var name: String { "shrinking" }
    func start(_ opening: Opening) -> PoolDecision { decision(8) }
    mutating func observe(_ sample: Sample) -> PoolDecision {
      guard sample.bytesDone > 100_000, samples < 10 else { return decision(8) }
      samples += 1
      return decision(2)
    }
    private func decision(_ size: Int) -> PoolDecision {
      PoolDecision(poolSize: size, segmentSeconds: 0.1, reason: "")
    }
  }

  @Test("what workers brought that were sent home in the middle is kept, and the rest is fetched")
  func sendsWorkersHome() async throws {
    let layer = Content.bytes(8_000_000, seed: 2)
    let image = try FakeImage(layers: [layer])
    let slow = Counter()
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("\(image.layers[0])"), slow.next() <= 7 else { return nil }
      let part = Self.part(request, layer)
      return .raw(Self.partHead(request, layer) + part.prefix(20_000), .hang)
    }
    // Nothing but being sent home, or another worker's success, ends these requests.
    let bench = try Bench(stallTimeout: 600)
    var request = try bench.request("\(registry.host)/o/n", workers: 8)
    request.policy = Shrinking()
    try await bench.pull(request)
    try bench.expectWhole(image)
    let ranges = registry.blobRequests.filter { $0.target.contains("\(image.layers[0])") }
      .compactMap(\.range)
    // Somebody began just where one of them had to stop.
    #expect(ranges.contains { one in ranges.contains { $0.lowerBound + 20_000 == one.lowerBound } })
  }

  @Test("a server that never serves ranges costs little more than the blob")
  func neverRanges() async throws {
    let image = try FakeImage(layers: [Self.layer])
    let registry = try Self.faulty(image, every: 1) { _, bytes in .ok(bytes) }
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n", workers: 4)
    try bench.expectWhole(image)
    // One brings all; on a busy machine a small body is read to the end of its window before that
    // grows, and asked for again.
    #expect(registry.blobRequests.count { $0.target.contains("\(image.layers[0])") } <= 8)
  }

  @Test("one flipped bit is found and the blob fetched again")
  func flippedOnce() async throws {
    let image = try FakeImage(layers: [Self.layer])
    let once = Counter()
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("\(image.layers[0])"), once.next() == 2 else { return nil }
      var part = Self.part(request, Self.layer)
      part[0] ^= 4
      return .raw(Self.partHead(request, Self.layer) + part, .keep)
    }
    let bench = try Bench()
    // One worker: nobody else asks for the same bytes, and brings right ones.
    try await bench.pull("\(registry.host)/o/n", workers: 1)
    try bench.expectWhole(image)
    #expect(bench.display.warnings.contains { $0.contains("damaged") })
  }

  @Test("content that is always wrong is refused, and never published")
  func alwaysWrong() async throws {
    var image = try FakeImage(layers: [Self.layer, Content.bytes(1_000, seed: 2)])
    image.blobs[image.layers[0]]?[99] ^= 1
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == .integrity)
    #expect(error.description.contains("layer 1"))
    #expect(!FileManager.default.fileExists(atPath: bench.store.path(of: image.layers[0])))
    #expect(try bench.store.index().manifests.isEmpty)
    try bench.expectNothingWrong()
  }

  @Test("a blob of another length than the manifest says is refused", arguments: [-1, 1])
  func wrongLength(difference: Int) async throws {
    var image = try FakeImage(layers: [Content.bytes(50_000, seed: 1)])
    if difference > 0 {
      image.blobs[image.layers[0]]?.append(0)
    } else {
      image.blobs[image.layers[0]]?.removeLast()
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == .integrity)
    #expect(error.description.contains("the manifest says 50000"))
    try bench.expectNothingWrong()
  }

  @Test("an endless body is cut off where the blob ends")
  func endless() async throws {
    let image = try FakeImage(layers: [Content.bytes(50_000, seed: 1)])
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("\(image.layers[0])"), let bytes = image.blobs[image.layers[0]]
      else { return nil }
      return .raw(
        Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + bytes,
        .trickle([UInt8](repeating: 0x78, count: 10_000)))
    }
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n")
    try bench.expectWhole(image)
  }

  @Test(
    "one missing blob ends the pull after a few tries and keeps the others", arguments: [404, 410])
  func missingBlob(status: Int) async throws {
    let image = try FakeImage(layers: [Self.layer, Content.bytes(1_000, seed: 2)])
    let registry = try FakeRegistry(image) {
      $0.target.contains("\(image.layers[0])") ? .status(status) : nil
    }
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n", workers: 1))
    #expect(error.category == .notFound)
    #expect(error.description.contains(image.layers[0].short))
    // What the manifest names may not have got everywhere yet (harbor#20417).
    #expect(registry.blobRequests.count <= 13)
    let config = try #require(image.blobs.keys.first { !image.layers.contains($0) })
    #expect(try readFile(bench.store.path(of: config)) == image.blobs[config])
  }

  @Test("a server that only fails is given up in bounded tries, with its words")
  func onlyFails() async throws {
    let image = try FakeImage(layers: [Self.layer])
    let registry = try Self.faulty(image, every: 1) { _, _ in
      .status(500, [], #"{"errors":[{"message":"on fire"}]}"#)
    }
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n", workers: 1))
    #expect(error.category == .network)
    #expect(error.description.contains("on fire"))
    let tries = registry.blobRequests.filter { $0.target.contains("\(image.layers[0])") }
    // The first time and three retries, some of them without a range: that might have been the reason.
    #expect((4...6).contains(tries.count))
  }

  @Test("an absurd Retry-After ends the pull instead of sleeping for a day")
  func absurdRetryAfter() async throws {
    let image = try FakeImage(layers: [Self.layer])
    let registry = try Self.faulty(image, every: 1) { _, _ in
      .status(429, [("Retry-After", "86400")])
    }
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == .network)
    #expect(error.description.contains("86400 s"))
  }

  @Test(
    "manifests that are wrong, or an index where a manifest was said (CVE-2021-41190)",
    arguments: ["schema 1", "wrong digest", "both", "no JSON", "contradiction"])
  func wrongManifests(kind: String) async throws {
    let image = try FakeImage(layers: [Self.layer])
    let (type, bytes) = try #require(image.manifests[image.manifest])
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("/manifests/") else { return nil }
      switch kind {
      case "schema 1":
        return .ok(
          #"{"schemaVersion":1,"name":"x","fsLayers":[]}"#,
          [("Content-Type", MediaType.dockerSchema1Signed.rawValue)])
      case "wrong digest": return .ok(bytes + [0x20], [("Content-Type", type.rawValue)])
      case "both": return .ok(#"{"schemaVersion":2,"manifests":[],"layers":[]}"#)
      case "contradiction": return .ok(bytes, [("Content-Type", MediaType.ociIndex.rawValue)])
      default: return .ok("<html>")
      }
    }
    let bench = try Bench()
    let selector = kind == "wrong digest" ? "@\(image.manifest)" : ":latest"
    let error = try await bench.failure(bench.request("\(registry.host)/o/n\(selector)"))
    #expect(error.category == .integrity, "\(error)")
    #expect(registry.blobRequests.isEmpty)
    if kind == "schema 1" { #expect(error.description.contains("schema 1")) }
  }

  @Test(
    "what a tag names is what the registry sends for it, whatever its head calls that",
    arguments: [false, true])
  func announcedOtherwise(hasMirror: Bool) async throws {
    let image = try FakeImage(layers: [Self.layer])
    let odd: @Sendable (ServedRequest) -> Reply? = { request in
      request.target.contains("/manifests/latest")
        ? FakeRegistry.answer(request, image).announcing(image.layers[0]) : nil
    }
    let registry = try FakeRegistry(image, fault: odd)
    let mirror = try FakeRegistry(image, fault: odd)
    let bench = try Bench()
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, mirrors: hasMirror ? [mirror.host] : [])
    let summary = try await puller.pull(request)
    #expect(summary.digest == image.manifest)
    try bench.expectWhole(image)
    // A mirror that does it is passed over in silence: somebody else can be asked.
    #expect(
      bench.display.warnings == [
        "\(registry.host) announced \(image.layers[0]) for manifest o/n:latest, but sent "
          + "\(image.manifest): what it sent is taken"
      ])
  }

  @Test("a byte of a tag's manifest that changed on the way does not come again, and is not taken")
  func changedOnTheWay() async throws {
    let image = try FakeImage(layers: [Self.layer])
    let asked = Log<String>()
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("/manifests/latest") else { return nil }
      asked.add(request.target)
      guard asked.all.count == 1,
        case .response(let status, let fields, var body) = FakeRegistry.answer(request, image),
        let place = body.lastIndex(of: UInt8(ascii: "\""))
      else { return nil }
      // It is a manifest still, of another kind of layer.
      body[place - 1] ^= 1
      return .response(status, fields, body)
    }
    let bench = try Bench()
    let summary = try await bench.pull(bench.request("\(registry.host)/o/n:latest"))
    #expect(summary.digest == image.manifest && asked.all.count == 2)
    #expect(bench.display.warnings.isEmpty)
    try bench.expectWhole(image)
  }

  @Test(
    "a place that the registry leads to and that refuses is no matter of logins",
    arguments: [
      (400, "InvalidRequest"), (401, "AuthenticationFailed"), (403, "SignatureDoesNotMatch"),
      (403, "RequestTimeTooSkewed"),
    ])
  func refusingStorage(status: Int, code: String) async throws {
    let image = try FakeImage(layers: (0..<3).map { Content.bytes(50_000, seed: $0) })
    let storage = try RawServer { _ in
      .status(
        status, [("Content-Type", "application/xml")],
        "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>it is so</Message></Error>")
    }
    let registry = try FakeRegistry(image) { request in
      request.target.contains("/blobs/")
        ? .status(307, [("Location", "http://\(storage.host)/signed")]) : nil
    }
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == .network, "\(error)")
    #expect(error.description.contains("\(code): it is so"), "\(error)")
    #expect(error.description.contains(storage.host), "\(error)")
    #expect(error.hint?.contains("credentials") != true && error.hint?.contains("log in") != true)
    // Each blob at most three times, each time by what was found ahead, and by two new ways.
    #expect(storage.requests.count <= 9 * image.blobs.count)
  }

  @Test("an unknown tag repeats the registry's words")
  func unknownTag() async throws {
    let registry = try FakeRegistry(FakeImage(layers: []))
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n:nope"))
    #expect(error.category == .notFound)
    #expect(error.description == "\(registry.host) has no manifest o/n:nope: manifest unknown")
  }

  @Test("indexes that are too deep end")
  func nestedIndexes() async throws {
    var image = try FakeImage(layers: [])
    var child = image.manifest
    var size = image.manifests[child]?.bytes.count ?? 0
    var type = MediaType.ociManifest
    for _ in 0..<8 {
      (child, size) = try image.addIndex([
        ["mediaType": type.rawValue, "digest": "\(child)", "size": size]
      ])
      type = .ociIndex
    }
    image.tags["latest"] = child
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    let error = try await bench.failure(request)
    #expect(error.description.contains("nested"))
  }

  @Test(
    "a redirect of a blob to a file or a metadata service is refused",
    arguments: ["file:///etc/passwd", "http://169.254.169.254/x"])
  func hostileRedirects(location: String) async throws {
    let image = try FakeImage(layers: [Self.layer])
    let registry = try FakeRegistry(image) {
      $0.target.contains("\(image.layers[0])") ? .status(307, [("Location", location)]) : nil
    }
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.description.contains("refused"), "\(error)")
  }

  @Test(
    "a size that the manifest has wrong is told as that, and nothing is gone on from there",
    arguments: [("config", -1), ("config", 104), ("layers", -1), ("layers", 1)])
  func wrongSizes(member: String, change: Int) async throws {
    let image = try FakeImage(layers: [Self.layer, Content.bytes(9_000_000, seed: 5)]) {
      document in
      func wrong(_ found: Any?) -> [String: Any] {
        var descriptor = found as? [String: Any] ?? [:]
        descriptor["size"] = (descriptor["size"] as? Int ?? 0) + change
        return descriptor
      }
      if member == "config" {
        document["config"] = wrong(document["config"])
      } else {
        let layers = document["layers"] as? [Any] ?? []
        document["layers"] = [layers[0], wrong(layers.last)]
      }
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n", workers: 2)
    request.settings.backoff = 0.001
    request.settings.maximumBackoff = 0.002
    let error = try await bench.failure(request)
    #expect(error.category == .integrity && error.description.contains("the manifest says"))
    let hint = error.hint ?? ""
    #expect(hint.contains("whoever pushed it must push it again"), "\(hint)")
    #expect(!hint.contains("go on from there"), "\(hint)")
  }
}
