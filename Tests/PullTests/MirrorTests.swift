import Foundation
import OCI
import Progress
import Pull
import Registry
import Support
import Testing

/// An answer counts by its content, not by its status: what mirrors send instead, and that the next
/// server is asked.
@Suite("Mirrors", .timeLimit(.minutes(10)))
struct MirrorTests {
  /// What a mirror does instead of what it should.
  struct Habit: Sendable, CustomStringConvertible {
    let description: String
    let fault: @Sendable (ServedRequest, FakeImage) -> Reply?

    init(
      _ description: String, _ fault: @escaping @Sendable (ServedRequest, FakeImage) -> Reply?
    ) {
      self.description = description
      self.fault = fault
    }
  }

  static let page = "<!DOCTYPE html><html><body>Please log in</body></html>"

  static func isManifest(_ request: ServedRequest) -> Bool {
    request.target.contains("/manifests/")
  }

  /// The reply of a good registry, with its body changed.
  static func changed(
    _ request: ServedRequest, _ image: FakeImage, _ change: ([UInt8]) -> [UInt8]
  ) -> Reply {
    guard case .response(let status, let fields, let body) = FakeRegistry.answer(request, image)
    else { return .status(500) }
    return .response(status, fields, change(body))
  }

  static func chunked(_ body: [UInt8]) -> Reply {
    var text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    if !body.isEmpty { text += String(body.count, radix: 16) + "\r\n" }
    let end = body.isEmpty ? "0\r\n\r\n" : "\r\n0\r\n\r\n"
    return .raw(Array(text.utf8) + body + Array(end.utf8), .keep)
  }

  /// harbor#18530, for-mac#7658 and their kin: documents.
  static let documentHabits = [
    Habit("a page") { request, _ in isManifest(request) ? .ok(page) : nil },
    Habit("a page that is called a manifest") { request, _ in
      isManifest(request) ? .ok(page, [("Content-Type", MediaType.ociManifest.rawValue)]) : nil
    },
    Habit("half a manifest") { request, image in
      isManifest(request) ? changed(request, image) { Array($0.prefix($0.count / 2)) } : nil
    },
    Habit("nothing") { request, _ in isManifest(request) ? .ok("") : nil },
    Habit("nothing, chunked") { request, _ in isManifest(request) ? chunked([]) : nil },
    Habit("an error with 200") { request, _ in
      isManifest(request) ? .ok(#"{"errors":[{"code":"UNKNOWN","message":"x"}]}"#) : nil
    },
    Habit("another manifest than it announces") { request, image in
      isManifest(request) ? changed(request, image) { $0 + [0x20] } : nil
    },
    Habit("a redirect to a page") { request, _ in
      if request.target == "/login" { return .ok(page) }
      return isManifest(request) ? .status(302, [("Location", "/login")]) : nil
    },
    Habit("schema 1") { request, _ in
      isManifest(request)
        ? .ok(
          #"{"schemaVersion":1,"name":"o/n","tag":"latest","fsLayers":[]}"#,
          [("Content-Type", MediaType.dockerSchema1Signed.rawValue)]) : nil
    },
    Habit("500") { request, _ in isManifest(request) ? .status(500) : nil },
    Habit("401 without a way in") { _, _ in .status(401) },
    Habit("403") { _, _ in .status(403, [], "no") },
    Habit("404") { _, _ in .status(404) },
    Habit("429") { _, _ in .status(429, [("Retry-After", "7200")]) },
    Habit("a realm that is refused") { _, _ in
      .status(401, [("WWW-Authenticate", "Bearer realm=\"file:///etc\"")])
    },
  ]

  /// dragonfly#4604, containerd#9552 and their kin: blobs.
  static let blobHabits = [
    Habit("one wrong byte") { request, image in
      guard request.target.contains("/blobs/"), request.range?.lowerBound ?? 0 == 0 else {
        return nil
      }
      return changed(request, image) { [($0.first ?? 0) ^ 1] + $0.dropFirst() }
    },
    Habit("all bytes wrong") { request, image in
      request.target.contains("/blobs/") ? changed(request, image) { $0.map { ~$0 } } : nil
    },
    Habit("empty, chunked") { request, _ in request.target.contains("/blobs/") ? chunked([]) : nil
    },
    Habit("empty") { request, _ in request.target.contains("/blobs/") ? .ok("") : nil },
    Habit("a page") { request, _ in request.target.contains("/blobs/") ? .ok(page) : nil },
    Habit("a page, chunked") { request, _ in
      request.target.contains("/blobs/") ? chunked(Array(page.utf8)) : nil
    },
    Habit("another size") { request, image in
      guard request.target.contains("/blobs/") else { return nil }
      let name = String(request.target.split(separator: "/").last?.prefix { $0 != "?" } ?? "")
      guard let digest = try? Digest(name), let bytes = image.blobs[digest] else { return nil }
      return FakeRegistry.blob(bytes + [0], request.range)
    },
    Habit("204") { request, _ in request.target.contains("/blobs/") ? .status(204) : nil },
    Habit("it breaks off at once") { request, _ in
      request.target.contains("/blobs/") ? .raw(Reply.head(200, length: 500_000), .close) : nil
    },
    Habit("no answer but an end") { request, _ in
      request.target.contains("/blobs/") ? .raw([], .close) : nil
    },
    Habit("500") { request, _ in request.target.contains("/blobs/") ? .status(500) : nil },
    Habit("403") { request, _ in request.target.contains("/blobs/") ? .status(403) : nil },
    Habit("404") { request, _ in request.target.contains("/blobs/") ? .status(404) : nil },
    Habit("416") { request, _ in request.target.contains("/blobs/") ? .status(416) : nil },
    Habit("429") { request, _ in
      request.target.contains("/blobs/") ? .status(429, [("Retry-After", "7200")]) : nil
    },
    Habit("a redirect in a circle") { request, _ in
      request.target.contains("/blobs/") ? .status(307, [("Location", request.target)]) : nil
    },
    Habit("a redirect to a metadata service") { request, _ in
      request.target.contains("/blobs/")
        ? .status(307, [("Location", "http://169.254.169.254/x")]) : nil
    },
  ]

  @Test(
    "a mirror that does not send the image is passed over, and the registry has it",
    arguments: documentHabits + blobHabits, [false, true])
  func passedOver(habit: Habit, byDigest: Bool) async throws {
    let image = try FakeImage(layers: [
      Content.bytes(200_000, seed: 1), Content.bytes(90_000, seed: 2),
    ])
    let mirror = try FakeRegistry(image) { habit.fault($0, image) }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let name = byDigest ? "@\(image.manifest)" : ":latest"
    let request = try bench.request("\(registry.host)/o/n\(name)")
    let puller = try bench.puller(request.reference, mirrors: [mirror.host])
    let summary = try await puller.pull(request)
    #expect(summary.digest == image.manifest)
    #expect(!registry.server.requests.isEmpty)
    // A handful for each document and blob at most, not one more for each range.
    #expect(mirror.server.requests.count < 30)
  }

  @Test(
    "where the registry has no better, the error names who sent what",
    arguments: ["a page", "one wrong byte", "empty", "404"])
  func blamed(name: String) async throws {
    let image = try FakeImage(layers: [Content.bytes(200_000, seed: 1)])
    let habits = Self.documentHabits + Self.blobHabits
    let habit = try #require(habits.last { $0.description == name })
    let mirror = try FakeRegistry(image) { habit.fault($0, image) }
    let registry = try FakeRegistry(image) { habit.fault($0, image) }
    let bench = try Bench()
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, mirrors: [mirror.host])
    do throws(PullError) {
      _ = try await puller.pull(request)
      Issue.record("no error")
    } catch {
      let said = error.description + bench.display.warnings.joined(separator: "\n")
      #expect(said.contains(registry.host), "\(said)")
      #expect(said.contains(mirror.host), "\(said)")
    }
  }

  @Test(
    "an odd answer of the registry itself is asked for again",
    arguments: documentHabits.prefix(6) + blobHabits.prefix(2))
  func oddOnce(habit: Habit) async throws {
    let image = try FakeImage(layers: [Content.bytes(200_000, seed: 1)])
    // Of those that come at the same time only one gets it.
    let odd = Counter()
    let registry = try FakeRegistry(image) { request in
      guard let reply = habit.fault(request, image), odd.next() == 1 else { return nil }
      return reply
    }
    let bench = try Bench()
    let summary = try await bench.pull("\(registry.host)/o/n:latest")
    #expect(summary.digest == image.manifest)
    #expect(odd.value >= 1)
  }

  @Test(
    "a mirror that says nothing is overtaken for each range, and given up once its time is over")
  func silent() async throws {
    let image = try FakeImage(layers: (0..<12).map { Content.bytes(40_000, seed: UInt64($0)) })
    let mirror = try FakeRegistry(image) { _ in .raw([], .hang) }
    let registry = try FakeRegistry(image)
    let bench = try Bench(stallTimeout: 50)
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, mirrors: [mirror.host], hedges: true)
    let summary = try await puller.pull(request)
    #expect(summary.digest == image.manifest)
    // One thing at a time is asked of who is silent, and then of the registry.
    #expect(mirror.server.requests.count <= 2 + registry.server.requests.count)
  }

  /// What a mirror sends of a blob: a head at once, and then next to nothing.
  static func dripping(_ request: ServedRequest, _ image: FakeImage, first: Int = 0) -> Reply? {
    guard request.target.contains("/blobs/"),
      case .response(let status, let fields, let body) = FakeRegistry.answer(request, image),
      (200...206).contains(status)
    else { return nil }
    let head = Reply.head(status, length: body.count, fields)
    let begin = min(first, body.count)
    return .raw(head + body.prefix(begin), .trickle(Array(body.dropFirst(begin))))
  }

  static let drips: [Habit] = [
    Habit("it trickles") { dripping($0, $1) },
    Habit("it trickles after a quick beginning") { dripping($0, $1, first: 30_000) },
    Habit("it says nothing after its head") { request, image in
      guard case .raw(let bytes, _) = dripping(request, image) else { return nil }
      return .raw(bytes, .hang)
    },
    Habit("it trickles without ranges") { request, image in
      var whole = request
      whole.fields.removeAll { $0.name.lowercased() == "range" }
      return dripping(whole, image)
    },
  ]

  @Test(
    "a mirror that is far slower than who comes behind it loses its work to that one",
    arguments: drips, [[40_000], [3_000_000], [40_000, 900_000, 20, 300_000, 700_000, 90_000]])
  func outrun(habit: Habit, sizes: [Int]) async throws {
    let image = try FakeImage(
      layers: sizes.enumerated().map { Content.bytes($1, seed: UInt64($0)) })
    let mirror = try FakeRegistry(image) { habit.fault($0, image) }
    let registry = try FakeRegistry(image)
    let bench = try Bench(stallTimeout: 100)
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, mirrors: [mirror.host], hedges: true)
    let summary = try await puller.pull(request)
    #expect(summary.digest == image.manifest)
    try bench.expectWhole(image)
    #expect(!registry.blobRequests.isEmpty)
    // It had work until somebody else was found to be faster, and none after that.
    #expect(mirror.blobRequests.count < 16)
  }

  @Test("of several silent mirrors only the first is waited for", arguments: [1, 2, 5])
  func severalSilent(count: Int) async throws {
    let image = try FakeImage(layers: (0..<3).map { Content.bytes(40_000, seed: UInt64($0)) })
    let mirrors = try (0..<count).map { _ in try FakeRegistry(image) { _ in .raw([], .hang) } }
    let registry = try FakeRegistry(image)
    let bench = try Bench(stallTimeout: 100)
    let request = try bench.request("\(registry.host)/o/n:latest")
    let waits = Log<Double>()
    let puller = try bench.puller(
      request.reference, mirrors: mirrors.map(\.host), hedges: true, waits: waits)
    _ = try await puller.pull(request)
    try bench.expectWhole(image)
    // The first one's turn, and that of the one behind it.
    #expect(waits.all.filter { [2, 0.25].contains($0) }.prefix(2) == [2, 0.25])
  }

  @Test("a mirror that is gone is said to be given up, once")
  func givenUp() async throws {
    let image = try FakeImage(layers: (0..<6).map { Content.bytes(40_000, seed: UInt64($0)) })
    let gone = try FakeRegistry(image)
    gone.server.stop()
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let request = try bench.request("\(registry.host)/o/n:latest")
    _ = try await bench.puller(request.reference, mirrors: [gone.host]).pull(request)
    let said = bench.display.log.all.compactMap {
      if case .mirrorGivenUp(let mirror, _) = $0 { mirror } else { nil }
    }
    #expect(said == [gone.host])
    withExtendedLifetime(gone) {}
  }

  @Test("a mirror is said to be given up once, where the registry cannot be reached either")
  func givenUpWithoutRegistry() async throws {
    let image = try FakeImage(layers: [Content.bytes(40_000, seed: 1)])
    let (gone, registry) = (try FakeRegistry(image), try FakeRegistry(image))
    gone.server.stop()
    registry.server.stop()
    let bench = try Bench()
    let request = try bench.request("\(registry.host)/o/n:latest")
    await #expect(throws: PullError.self) {
      _ = try await bench.puller(request.reference, mirrors: [gone.host]).pull(request)
    }
    let said = bench.display.log.all.count {
      if case .mirrorGivenUp = $0 { true } else { false }
    }
    #expect(said == 1)
    withExtendedLifetime((gone, registry)) {}
  }

  /// Answers for a tag that are well formed, and lead nowhere.
  static let staleAnswers: [String: @Sendable (FakeImage) throws -> [UInt8]] = [
    "an empty index": { _ in index([]) },
    "an index of other platforms": { image in
      index([(image.manifest, image.manifests[image.manifest]?.bytes.count ?? 0, "plan9")])
    },
    "an index of images that are gone": { _ in
      try index([(Digest.of([1]), 300, "linux")])
    },
    "a manifest whose layers are gone": { image in
      let text = String(decoding: image.manifests[image.manifest]?.bytes ?? [], as: UTF8.self)
      let gone = try Digest.of([2]).description
      return Array(text.replacing(image.layers[0].description, with: gone).utf8)
    },
  ]

  private static func index(_ entries: [(digest: Digest, size: Int, os: String)]) -> [UInt8] {
    let list = entries.map {
      #"{"mediaType":"\#(MediaType.ociManifest.rawValue)","digest":"\#($0.digest)","#
        + #""size":\#($0.size),"platform":{"os":"\#($0.os)","architecture":"amd64"}}"#
    }
    return Array(
      (#"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex.rawValue)","manifests":["#
        + list.joined(separator: ",") + "]}").utf8)
  }

  @Test(
    "a mirror's answer for a tag that leads nowhere: the registry is asked for the tag",
    arguments: staleAnswers.keys.sorted(), [true, false])
  func stale(name: String, isThere: Bool) async throws {
    let image = try FakeImage(layers: [Content.bytes(50_000, seed: 1)])
    let make = try #require(Self.staleAnswers[name])
    let answer = try make(image)
    let mirror = try FakeRegistry(image) { request in
      guard request.target.contains("/manifests/latest") else { return nil }
      let isIndex = String(decoding: answer, as: UTF8.self).contains("manifests\"")
      let type = isIndex ? MediaType.ociIndex : .ociManifest
      return .response(200, [("Content-Type", type.rawValue)], answer)
    }
    let registry = try FakeRegistry(image) { _ in isThere ? nil : .raw([], .close) }
    let bench = try Bench()
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, mirrors: [mirror.host])
    do throws(PullError) {
      let summary = try await puller.pull(request)
      #expect(isThere && summary.digest == image.manifest)
    } catch {
      #expect(!isThere, "\(error)")
      // What cannot be reached is not what is wrong.
      #expect(error.category != .network || name.contains("gone"), "\(error)")
    }
    // Without the registry nobody knows that what is named is gone.
    let isSaid = bench.display.warnings.contains { $0.contains(mirror.host) }
    #expect(isSaid || (!isThere && name.contains("gone")))
  }
}
