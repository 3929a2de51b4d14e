import Foundation
import OCI
import Store
import Support
import Testing
import Tuning

@testable import Downloads
@testable import Scheduling

extension Downloads {
  /// Blobs that the schedulers know.
  var knownBlobs: Int { pools.values.reduce(0) { $0 + $1.scheduler.blobs.states.count } }
  /// Layers that wait to be told.
  var keptLayers: Int { pools.values.reduce(0) { $0 + $1.layers.count } }
  /// Whether time tells of itself.
  var isTicking: Bool { heart.ticker != nil }
}

/// A service that lives for months.
@Suite("A long life of downloads", .timeLimit(.minutes(10)), .serialized)
struct LongLifeTests {
  @Test("a service that has nothing to do does nothing, and goes on when it has")
  func rests() async throws {
    let images = try [3, 9].map {
      try FakeImage(layers: [Content.bytes(200_000, seed: UInt64($0))])
    }
    let depot = try Depot(idleSeconds: 0)
    for image in images {
      let gate = Gate()
      let registry = try FakeRegistry(image) { _ in
        gate.pass()
        return nil
      }
      let source = try depot.source(registry.host)
      let downloads = await depot.service.want(Depot.wishes(image), from: source)
      #expect(await depot.service.isTicking)
      gate.open()
      #expect(await Download.end(of: downloads) == nil)
      try await eventually { await !depot.service.isTicking }
    }
    #expect(depot.ended.all.count == 2)
    _ = await depot.service.close()
  }

  @Test("a path whose history keeps others waiting holds up nobody else")
  func latePlan() async throws {
    let images = try [5, 6].map { try FakeImage(layers: [Content.bytes(60_000, seed: $0)]) }
    let (late, quick) = (try FakeRegistry(images[0]), try FakeRegistry(images[1]))
    let (gate, isAsked) = (Gate(), Gate())
    let depot = try Depot(planning: { key in
      guard key.registry == late.host else { return }
      isAsked.open()
      await gate.opened()
    })
    let wishes = images.map(Depot.wishes)
    let source = try depot.source(late.host)
    // Two that come meanwhile share one pool.
    let waiting = (0..<2).map { _ in
      Task { await depot.service.want(wishes[0], from: source) }
    }
    await isAsked.opened()
    let other = await depot.service.want(wishes[1], from: try depot.source(quick.host))
    #expect(await Download.end(of: other) == nil)
    #expect(late.blobRequests.isEmpty)
    gate.open()
    for task in waiting { #expect(await Download.end(of: task.value) == nil) }
    #expect(late.blobRequests.count == 1)
    _ = await depot.service.close()
  }

  @Test("a path that is told of while the service closes is told of once, and waited for")
  func endsOnce() async throws {
    let image = try FakeImage(layers: [Content.bytes(70_000, seed: 4)])
    let (gate, isClosing) = (Gate(), Gate())
    let depot = try Depot(idleSeconds: 0, telling: { await gate.opened() })
    // Both are idle at the same tick, where they are there at all.
    let registries = try (0..<3).map { _ in try FakeRegistry(image) }
    for registry in registries {
      var wishes = Depot.wishes(image)
      for index in wishes.indices { wishes[index].circle = .alone(registry: registry.host) }
      _ = await depot.service.want(wishes, from: try depot.source(registry.host))
    }
    try await eventually { !depot.ended.all.isEmpty }
    let closing = Task {
      isClosing.open()
      _ = await depot.service.close()
    }
    await isClosing.opened()
    try await eventually { await depot.service.isClosed }
    gate.open()
    await closing.value
    #expect(depot.ended.all.count == registries.count)
    #expect(Set(depot.ended.all.map(\.registry)) == Set(registries.map(\.host)))
  }

  @Test("a path that is never idle keeps nothing of what is over, and tells what it learned")
  func neverIdle() async throws {
    let count = 40
    let image = try FakeImage(
      layers: (0...count).map { Content.bytes(70_000, seed: UInt64($0)) })
    let gate = Gate()
    let slow = "\(image.layers[0])"
    let registry = try FakeRegistry(image) { request in
      if request.target.hasSuffix(slow) { gate.pass() }
      return nil
    }
    let depot = try Depot(pageEntries: 8)
    let source = try depot.source(registry.host)
    let wishes = Depot.wishes(image)
    let first = await depot.service.want([wishes[0]], from: source)
    for wish in wishes.dropFirst() {
      let next = await depot.service.want([wish], from: source)
      #expect(await Download.end(of: next) == nil)
      #expect(await depot.service.knownBlobs <= 2)
    }
    try await eventually { await depot.service.keptLayers < 8 }
    #expect(depot.plans.all.count == 1)
    gate.open()
    #expect(await Download.end(of: first) == nil)
    _ = await depot.service.close()
    let reports = depot.ended.all
    #expect(reports.count >= 2)
    #expect(reports.reduce(0) { $0 + $1.layers.count } == count + 1)
    // What came after the last sample is on no page.
    let told = reports.reduce(0) { $0 + $1.record.bytes }
    #expect(told > 0 && told <= 70_000 * Int64(count + 1))
    #expect(reports.allSatisfy { $0.isComplete && $0.record.seconds >= 0 })
  }

  @Test("a page begins at nothing, whatever came before it")
  func pages() {
    let page = PathPage(start: Moment(seconds: 100), bytes: 5_000)
    var sample = Sample(
      now: Moment(seconds: 103), poolSize: 4, open: 4, carrying: 4, bytesDone: 7_000,
      bytesLeft: 10)
    sample.refusals = [.init(at: Moment(seconds: 101), served: 3, retryAfter: nil)]
    let seen = page.sample(sample)
    #expect(seen.now == Moment(seconds: 3) && seen.bytesDone == 2_000 && seen.bytesLeft == 10)
    #expect(seen.refusals.map(\.at) == [Moment(seconds: 1)])
    #expect(page.time(Moment(seconds: 7)) == .zero)
  }

  @Test("bytes that came before a blob was wanted are not fetched again, whatever they are")
  func glimpses() async throws {
    let bytes = Content.bytes(300_000, seed: 5)
    let image = try FakeImage(layers: [bytes])
    let cases: [(offset: Int64, bytes: [UInt8], saved: Int)] = [
      (0, Array(bytes[..<12_288]), 12_288), (100_000, Array(bytes[100_000..<100_500]), 500),
      (299_999, [bytes[299_999]], 1), (299_999, [1, 2], 0), (-1, [1], 0), (.max, [1], 0),
      (0, [], 0), (0, [UInt8](repeating: 0, count: 100), 100),
    ]
    for one in cases {
      let registry = try FakeRegistry(image)
      let depot = try Depot()
      var wish = Depot.wishes(image)[0]
      wish.glimpse = (one.offset, one.bytes)
      let downloads = await depot.service.want([wish], from: try depot.source(registry.host))
      #expect(await Download.end(of: downloads) == nil)
      // A busy machine may have a segment fetched twice; what was there never is, until it proves wrong.
      let asked = RangeSet(
        registry.blobRequests.map { $0.range ?? 0..<bytes.count }.filter { $0.count > 1 })
      let isWrong = one.bytes.count == 100
      let saved = one.saved > 0 && !isWrong ? Int(one.offset)..<Int(one.offset) + one.saved : 0..<0
      #expect(asked == RangeSet(0..<bytes.count).subtracting(RangeSet(saved)))
      #expect(depot.store.document(wish.blob.digest).map { Array($0) } == bytes)
      _ = await depot.service.close()
    }
  }
}
