import Foundation
import OCI
@testable import Downloads
@testable import Pull
import Registry
import Scheduling
import Support
import Testing
import Tuning

/// No pull goes on for ever, whatever the image says and the servers do.
@Suite("Every pull ends", .serialized, .timeLimit(.minutes(10)))
struct EndTests {
  /// Random numbers that are the same for the same seed.
  struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var mixed = state
      mixed = (mixed ^ (mixed >> 33)) &* 0xFF51_AFD7_ED55_8CCD
      return mixed ^ (mixed >> 33)
    }
  }

  /// An image whose descriptors lie now and then.
  static func image(_ random: inout Random) throws -> FakeImage {
    let layers = (0..<Int.random(in: 0...4, using: &random)).map {
      Content.bytes(
        [0, 1, 100, 70_000, 200_000].randomElement(using: &random) ?? 1, seed: UInt64($0))
    }
    var lies: [Int: Int] = [:]
    for index in layers.indices where Int.random(in: 0..<4, using: &random) == 0 {
      lies[index] = [0, 1, layers[index].count + 1, max(0, layers[index].count - 1), 1 << 40]
        .randomElement(using: &random)
    }
    return try FakeImage(layers: layers) { document in
      guard var entries = document["layers"] as? [[String: Any]] else { return }
      for (index, size) in lies { entries[index]["size"] = size }
      document["layers"] = entries
    }
  }

  /// What a server does to one request; mostly what it should.
  static func reply(_ request: ServedRequest, _ image: FakeImage, _ random: inout Random) -> Reply?
  {
    switch Int.random(in: 0..<30, using: &random) {
    case 0: .status([400, 401, 403, 404, 408, 416, 429].randomElement(using: &random) ?? 400)
    case 1: .status([500, 501, 502, 503, 520, 599].randomElement(using: &random) ?? 500)
    case 2: .ok(MirrorTests.page)
    case 3: MirrorTests.chunked([])
    case 4: .raw([], [.close, .reset, .hang].randomElement(using: &random) ?? .close)
    case 5: .raw(Reply.head(200, length: 1_000), .hang)
    case 6: .raw(Reply.head(206, length: 10, [("Content-Range", "bytes 5-14/99")]), .close)
    case 7: .status(307, [("Location", request.target)])
    case 8: .status(302, [("Location", "/elsewhere")])
    case 9: MirrorTests.changed(request, image) { $0.map { ~$0 } }
    case 10: MirrorTests.changed(request, image) { Array($0.prefix($0.count / 2)) }
    case 11: .status(204)
    case 12: .raw(Array("HTTP/1.1 200 OK\r\n".utf8), .close)
    default: nil
    }
  }

  @Test("with random documents and random servers", arguments: 0..<120)
  func ends(seed: Int) async throws {
    var random = Random(state: UInt64(seed) &* 77 &+ 5)
    let image = try Self.image(&random)
    let states = [Log<Random>(), Log<Random>()]
    let badness = Int.random(in: 0..<3, using: &random)
    let servers = try (0..<2).map { server in
      states[server].add(Random(state: random.next()))
      return try FakeRegistry(image) { request in
        guard badness > server || badness == 2, var random = states[server].all.last else {
          return nil
        }
        let reply = Self.reply(request, image, &random)
        states[server].add(random)
        return reply
      }
    }
    let bench = try Bench(stallTimeout: 0.2)
    var request = try bench.request("\(servers[1].host)/o/n:latest", workers: 3)
    request.settings.backoff = 0.001
    request.settings.maximumBackoff = 0.002
    request.settings.maximumRetryAfter = 0.01
    let mirrors = seed % 2 == 0 ? [servers[0].host] : []
    let puller = try bench.puller(request.reference, mirrors: mirrors, hedges: seed % 3 == 0)
    do {
      _ = try await puller.pull(request)
      try bench.expectWhole(image)
    } catch let error as PullError {
      #expect(!error.description.isEmpty)
    }
  }

  @Test("a watch that sees nothing under way and nothing due for five seconds ends the pull")
  func watch() {
    var watch = PathWatch()
    let idle = PathWatch.Look(isBusy: false, dueIn: nil)
    let over1 = watch.isOver(idle, now: Moment(seconds: 1))
    #expect(over1 == false)
    let over2 = watch.isOver(idle, now: Moment(seconds: 5.9))
    #expect(over2 == false)
    let over3 = watch.isOver(idle, now: Moment(seconds: 6))
    #expect(over3 == true)
    for look in [
      PathWatch.Look(isBusy: true, dueIn: nil), PathWatch.Look(isBusy: false, dueIn: 3),
    ] {
      let over4 = watch.isOver(look, now: Moment(seconds: 100))
      #expect(over4 == false)
      let over5 = watch.isOver(idle, now: Moment(seconds: 101))
      #expect(over5 == false)
    }
  }

  @Test("a wait of over a second is said once")
  func waits() {
    var watch = PathWatch()
    let wait6 = watch.wait(until: Moment(seconds: 0.9), now: .zero)
    #expect(wait6 == nil)
    let wait7 = watch.wait(until: Moment(seconds: 10), now: .zero)
    #expect(wait7 == 10)
    let wait8 = watch.wait(until: Moment(seconds: 10.5), now: .zero)
    #expect(wait8 == nil)
    let wait9 = watch.wait(until: Moment(seconds: 20), now: Moment(seconds: 10))
    #expect(wait9 == 10)
  }
}
