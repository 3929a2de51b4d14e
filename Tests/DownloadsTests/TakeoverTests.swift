import Downloads
import Foundation
import OCI
import Scheduling
import Store
import Support
import Testing

@Suite("Takeover", .timeLimit(.minutes(10)))
struct TakeoverTests {
  private static let part = 64 << 10

  /// One that serves the first part at once, and what is behind it once the gate is open.
  private static func registry(_ image: FakeImage, behind gate: Gate) throws -> FakeRegistry {
    try FakeRegistry(image) { request in
      if (request.range?.lowerBound ?? 0) >= part { gate.pass() }
      return nil
    }
  }

  /// What a verifier makes of a blob.
  private static func outcome(_ verifier: Verifier, _ partial: PartialBlob, _ blob: Descriptor)
    async
    -> String
  {
    await withCheckedContinuation { continuation in
      do {
        try verifier.add(partial) { continuation.resume(returning: "\($0)") }
        verifier.advance(partial.name)
      } catch {
        continuation.resume(returning: "\(error)")
      }
    }
  }

  @Test(
    "a blob that does not get on elsewhere is taken over with what is there, and who wakes up writes into nothing"
  )
  func takesOver() async throws {
    let image = try FakeImage(layers: [Content.bytes(300_000, seed: 3)])
    let gate = Gate()
    let slow = try Self.registry(image, behind: gate)
    let quick = try FakeRegistry(image)
    let first = try Depot(workers: 1)
    let mine = await first.service.want(
      Depot.wishes(image), from: try first.source(slow.host), urgency: .read)
    let end = try await mine[0].prefix(beyond: Int64(Self.part) - 1)
    #expect(end == Self.part)
    let second = try Depot(store: first.store, stallTimeout: 0.1)
    let others = await second.service.want(
      Depot.wishes(image), from: try second.source(quick.host))
    #expect(others[0].progress.state == .elsewhere)
    #expect(others[0].progress.done == Self.part && others[0].progress.process == getpid())
    #expect(await Download.end(of: others) == nil)
    #expect(others[0].progress.cost.fetched == 300_000 - Int64(Self.part))
    #expect(
      second.events.all.contains { if case .takenOver = $0 { true } else { false } })
    // The other wakes up, and finds that it is done.
    gate.open()
    #expect(await Download.end(of: mine) == nil)
    #expect([.done, .present].contains(mine[0].progress.state))
    let bytes = image.blobs[image.layers[0]]
    #expect(
      try Array(Data(contentsOf: URL(filePath: first.store.path(of: image.layers[0])))) == bytes)
    _ = await (first.service.close(), second.service.close())
    let left = try FileManager.default.contentsOfDirectory(
      atPath: first.store.root + "/.cairn/ingest")
    #expect(left.isEmpty, "\(left)")
  }

  @Test("a blob that gets on elsewhere is waited for")
  func waits() async throws {
    let image = try FakeImage(layers: [Content.bytes(300_000, seed: 4)])
    let gate = Gate()
    let slow = try Self.registry(image, behind: gate)
    let quick = try FakeRegistry(image)
    let first = try Depot(workers: 1)
    let mine = await first.service.want(
      Depot.wishes(image), from: try first.source(slow.host), urgency: .read)
    _ = try await mine[0].prefix(beyond: Int64(Self.part) - 1)
    let second = try Depot(store: first.store)
    let others = await second.service.want(
      Depot.wishes(image), from: try second.source(quick.host))
    try await second.told { event in
      if case .overview(let overview) = event {
        overview.blobs.first?.state == .elsewhere
      } else {
        false
      }
    }
    gate.open()
    #expect(await Download.end(of: mine + others) == nil)
    #expect(quick.blobRequests.isEmpty)
    _ = await (first.service.close(), second.service.close())
  }

  @Test("who has tried in vain takes no blob back from who took it over")
  func endsInVain() async throws {
    let image = try FakeImage(layers: [Content.bytes(300_000, seed: 6)])
    let gate = Gate()
    let gone = try FakeRegistry(image) { request in
      request.target.contains("/blobs/") ? .raw([], .close) : nil
    }
    let silent = try FakeRegistry(image) { request in
      if request.target.contains("/blobs/") { gate.pass() }
      return nil
    }
    let first = try Depot(workers: 1, stallTimeout: 0.1, retries: 1_000)
    let mine = await first.service.want(Depot.wishes(image), from: try first.source(gone.host))
    let second = try Depot(store: first.store, stallTimeout: 0.1)
    let others = await second.service.want(
      Depot.wishes(image), from: try second.source(silent.host))
    try await second.told { if case .takenOver = $0 { true } else { false } }
    // What it met itself is what it says.
    guard case .registry = await Download.end(of: mine) else {
      Issue.record("not ended by its own error")
      return
    }
    #expect(!first.events.all.contains { if case .takenOver = $0 { true } else { false } })
    gate.open()
    #expect(await Download.end(of: others) == nil)
    _ = await (first.service.close(), second.service.close())
  }

  /// What a sleeper does when it wakes up, as the store sees it.
  @Test("what was taken over is neither noted nor published by who lost it")
  func lost() async throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    let bytes = Content.bytes(200_000, seed: 5)
    let blob = Descriptor(
      mediaType: MediaType(rawValue: "a/b"), digest: try Digest.of(bytes), size: 200_000)
    guard case .ours(let sleeper) = try store.beginIngest(blob) else {
      Issue.record("not ours")
      return
    }
    func write(_ partial: PartialBlob, _ range: Range<Int>) throws {
      let code = bytes[range].withUnsafeBytes { partial.write($0, at: Int64(range.lowerBound)) }
      #expect(code == 0)
      try partial.record(Int64(range.lowerBound)..<Int64(range.upperBound))
    }
    try write(sleeper, 0..<50_000)
    try write(sleeper, 100_000..<120_000)
    #expect(store.holding(of: blob)?.bytes == 70_000)
    guard case .ours(let taker) = try store.takeOver(blob) else {
      Issue.record("not taken over")
      return
    }
    #expect(sleeper.isLost && !taker.isLost)
    #expect(taker.have == RangeSet([0..<50_000, 100_000..<120_000]))
    // It goes on as if nothing had happened, and writes nonsense even.
    for _ in 0..<3_000 { try write(sleeper, 0..<9) }
    try write(sleeper, 0..<200_000)
    #expect(taker.have == RangeSet([0..<50_000, 100_000..<120_000]))
    #expect(store.holding(of: blob)?.bytes == 70_000)
    let verifier = Verifier(store: store, threads: 1)
    #expect(await Self.outcome(verifier, sleeper, blob) == "lost")
    #expect(!store.contains(blob))
    try write(taker, 0..<200_000)
    #expect(await Self.outcome(verifier, taker, blob) == "published")
    #expect(try store.holds(blob))
    await verifier.stop()
  }
}
