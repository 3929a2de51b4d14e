import Downloads
import Foundation
import OCI
import Scheduling
import Store
import Support
import Testing

@Suite("Downloads", .timeLimit(.minutes(10)), .serialized)
struct DownloadsTests {
  private static func image(_ sizes: [Int], seed: UInt64 = 1) throws -> FakeImage {
    try FakeImage(
      layers: sizes.enumerated().map { Content.bytes($1, seed: seed + UInt64($0)) })
  }

  @Test("whoever wants a blob that is on its way shares it, from whatever repository")
  func sharing() async throws {
    let image = try Self.image([300_000])
    let gate = Gate()
    let first = try FakeRegistry(image) { request in
      if request.target.contains("/blobs/") { gate.pass() }
      return nil
    }
    let second = try FakeRegistry(image)
    let depot = try Depot()
    let mine = await depot.service.want(Depot.wishes(image), from: try depot.source(first.host))
    let others = await depot.service.want(
      Depot.wishes(image), from: try depot.source(second.host))
    gate.open()
    #expect(await Download.end(of: mine + others) == nil)
    #expect(mine.map(\.isShared) == [false] && others.map(\.isShared) == [true])
    #expect(second.blobRequests.isEmpty)
    #expect(mine[0].progress.cost.fetched == 300_000)
    #expect(depot.plans.all.count == 1)
    _ = await depot.service.close()
  }

  @Test(
    "a blob that comes with one size keeps nobody from it who wants it with another",
    arguments: [1, 300_001], [false, true])
  func otherSize(size: Int64, isFirst: Bool) async throws {
    let image = try Self.image([300_000])
    let gate = Gate()
    let registry = try FakeRegistry(image) { _ in
      gate.pass()
      return nil
    }
    let depot = try Depot()
    let source = try depot.source(registry.host)
    var other = Depot.wishes(image)[0]
    other.blob.size = size
    var others = isFirst ? await depot.service.want([other], from: source) : []
    let mine = await depot.service.want(Depot.wishes(image), from: source, urgency: .read)
    if !isFirst { others = await depot.service.want([other], from: source) }
    #expect(mine.map(\.isShared) == [false] && others.map(\.isShared) == [false])
    gate.open()
    #expect(await Download.end(of: mine) == nil)
    #expect(await Download.end(of: others) != nil)
    // Of what was somebody's alone nothing is left.
    try await eventually {
      try depot.partialFiles().allSatisfy { $0.split(separator: ".").count == 2 }
    }
    _ = await depot.service.close()
  }

  @Test(
    "who is alone brings a blob himself, whatever the store has, and not again what he has brought")
  func alone() async throws {
    let image = try Self.image([300_000])
    let registry = try FakeRegistry(image)
    let depot = try Depot()
    let source = try depot.source(registry.host)
    let arrivals = Counter()
    var plain = Depot.wishes(image)[0]
    plain.arrived = { _ = arrivals.next() }
    let named = await depot.service.want([plain], from: source)
    #expect(await Download.end(of: named) == nil)
    #expect(arrivals.value == 0, "it did not come apart")
    for costs in [Int64(300_000), 0] {
      var wish = Depot.wishes(image)[0]
      wish.circle = .alone(registry: registry.host)
      wish.isBrought = { arrivals.value > 0 }
      wish.arrived = { _ = arrivals.next() }
      let downloads = await depot.service.want([wish], from: source)
      #expect(await Download.end(of: downloads) == nil)
      #expect(downloads[0].progress.cost.fetched == costs)
    }
    try await eventually { try depot.partialFiles().isEmpty }
    _ = await depot.service.close()
  }

  @Test("images that come one after the other use one pool a path")
  func onePoolEach() async throws {
    let images = try [Self.image([200_000, 1_000]), Self.image([1, 150_000], seed: 7)]
    let registry = try images.map { try FakeRegistry($0) }
    let depot = try Depot()
    var downloads: [Download] = []
    for (image, host) in zip(images, registry.map(\.host)) {
      for wish in Depot.wishes(image) {
        downloads += await depot.service.want([wish], from: try depot.source(host))
      }
    }
    #expect(await Download.end(of: downloads) == nil)
    #expect(depot.plans.all.map(\.key.registry) == registry.map(\.host))
    _ = await depot.service.close()
    #expect(depot.ended.all.map { $0.layers.count } == [2, 2])
    #expect(depot.ended.all.map(\.isComplete) == [true, true])
  }

  @Test("a path that nobody wants anything from ends, and opens again with what it was like")
  func opensAgain() async throws {
    let images = try [Self.image([200_000]), Self.image([200_000], seed: 9)]
    let registry = try FakeRegistry(images[0])
    let depot = try Depot(idleSeconds: 0)
    let source = try depot.source(registry.host)
    let first = await depot.service.want(Depot.wishes(images[0]), from: source)
    #expect(await Download.end(of: first) == nil)
    try await eventually { !depot.ended.all.isEmpty }
    _ = await depot.service.want(Depot.wishes(images[1]), from: source)
    #expect(depot.plans.all.map { $0.known != nil } == [false, true])
    _ = await depot.service.close()
  }

  // MARK: Leaving

  @Test("when the last who wanted a blob is gone it retires, and what arrived stays")
  func leaving() async throws {
    let image = try Self.image([300_000])
    let gate = Gate()
    let registry = try FakeRegistry(image) { request in
      if (request.range?.lowerBound ?? 0) >= 64 << 10 { gate.pass() }
      return nil
    }
    let depot = try Depot(workers: 1)
    let source = try depot.source(registry.host)
    let mine = await depot.service.want(Depot.wishes(image), from: source, urgency: .read)
    let others = await depot.service.want(Depot.wishes(image), from: source)
    let end = try await mine[0].prefix(beyond: (64 << 10) - 1)
    #expect(end == 64 << 10)
    await depot.service.leave(others)
    #expect(mine[0].progress.state == .fetching)
    await depot.service.leave(mine)
    #expect(await Download.end(of: mine).map { "\($0)" } == "stopped")
    gate.open()
    let before = registry.blobRequests.count
    let again = await depot.service.want(Depot.wishes(image), from: source)
    #expect(await Download.end(of: again) == nil)
    #expect(again[0].progress.cost.fetched == 300_000 - (64 << 10))
    #expect(registry.blobRequests.dropFirst(before).allSatisfy { ($0.range?.lowerBound ?? 0) > 0 })
    _ = await depot.service.close()
  }

  @Test("what arrived is gone on with while somebody wants the blob with another size")
  func comesBack() async throws {
    let image = try Self.image([300_000])
    let (gate, others) = (Gate(), Counter())
    let registry = try FakeRegistry(image) { request in
      if others.value > 0 || (request.range?.lowerBound ?? 0) >= 64 << 10 { gate.pass() }
      return nil
    }
    let depot = try Depot(workers: 1)
    let source = try depot.source(registry.host)
    let mine = await depot.service.want(Depot.wishes(image), from: source, urgency: .read)
    #expect(try await mine[0].prefix(beyond: (64 << 10) - 1) == 64 << 10)
    others.next()
    var other = Depot.wishes(image)[0]
    other.blob.size = 300_001
    let wrong = await depot.service.want([other], from: source)
    await depot.service.leave(mine)
    let again = await depot.service.want(Depot.wishes(image), from: source)
    gate.open()
    #expect(await Download.end(of: again) == nil)
    #expect(again[0].progress.cost.fetched == 300_000 - (64 << 10))
    #expect(await Download.end(of: wrong) != nil)
    _ = await depot.service.close()
  }

  @Test("whoever lets go of a download has left it, and who comes then gets the blob by himself")
  func lettingGo() async throws {
    let image = try Self.image([300_000])
    let gate = Gate()
    let registry = try FakeRegistry(image) { request in
      if request.target.contains("/blobs/") { gate.pass() }
      return nil
    }
    let depot = try Depot()
    let source = try depot.source(registry.host)
    _ = await depot.service.want(Depot.wishes(image), from: source)
    // It is out of the way as soon as who comes is the first.
    var own: [Download] = []
    repeat {
      own = []
      await Task.yield()
      own = await depot.service.want(Depot.wishes(image), from: source)
    } while own.contains(where: \.isShared)
    #expect(await depot.service.isWanted(image.layers[0]))
    gate.open()
    #expect(await Download.end(of: own) == nil)
    #expect(own[0].progress.cost.fetched == 300_000)
    #expect(depot.store.contains(try #require(Depot.wishes(image).first).blob))
    #expect(await depot.service.isWanted(image.layers[0]) == false)
    _ = await depot.service.close()
  }

  @Test("a blob that nobody has fails, and the others come")
  func oneFails() async throws {
    let image = try Self.image([200_000, 100_000])
    let missing = image.layers[1]
    let registry = try FakeRegistry(image) { request in
      request.target.contains(missing.hex) ? .status(404) : nil
    }
    let depot = try Depot()
    let downloads = await depot.service.want(
      Depot.wishes(image), from: try depot.source(registry.host))
    #expect(await Download.end(of: [downloads[0]]) == nil)
    guard case .registry(let error) = await Download.end(of: downloads) else {
      Issue.record("no error of the registry")
      return
    }
    #expect(error.kind == .notFound)
    #expect(depot.ended.all.isEmpty)
    _ = await depot.service.close()
    #expect(depot.ended.all.map(\.isComplete) == [false])
  }

  @Test("a service that is closed gives nothing, and waits for nothing")
  func closed() async throws {
    let image = try Self.image([1_000])
    let registry = try FakeRegistry(image)
    let depot = try Depot()
    _ = await depot.service.close()
    let downloads = await depot.service.want(
      Depot.wishes(image), from: try depot.source(registry.host))
    #expect(await Download.end(of: downloads).map { "\($0)" } == "stopped")
    #expect(registry.blobRequests.isEmpty)
  }

  // MARK: Reading

  @Test("the first bytes can be read while the rest is on its way")
  func reading() async throws {
    let image = try Self.image([300_000])
    let bytes = try #require(image.blobs[image.layers[0]])
    let gate = Gate()
    let registry = try FakeRegistry(image) { request in
      if (request.range?.lowerBound ?? 0) >= 128 << 10 { gate.pass() }
      return nil
    }
    let depot = try Depot(workers: 8)
    let download = try #require(
      await depot.service.want(
        Depot.wishes(image), from: try depot.source(registry.host), urgency: .read
      ).first)
    var read: [UInt8] = []
    while read.count < bytes.count {
      let end = try await download.prefix(beyond: Int64(read.count))
      var more = [UInt8](repeating: 0, count: Int(end) - read.count)
      let reader = try download.reader()
      let count = try more.withUnsafeMutableBytes { buffer in
        try reader.read(at: Int64(read.count), into: buffer)
      }
      #expect(count == more.count)
      read += more
      if read.count >= 128 << 10 { gate.open() }
    }
    #expect(read == bytes)
    try await download.end()
    let end = try await download.prefix(beyond: 300_000)
    #expect(end == 300_000)
    _ = await depot.service.close()
  }

  @Test("a stretch can be read from where nobody has hashed yet, and what came of it is kept")
  func readingElsewhere() async throws {
    let image = try Self.image([4 << 20])
    let bytes = try #require(image.blobs[image.layers[0]])
    let gate = Gate()
    let registry = try FakeRegistry(image) { request in
      if let range = request.range, range.count > 1, range.lowerBound < 3 << 20 { gate.pass() }
      return nil
    }
    let depot = try Depot(workers: 2)
    let source = try depot.source(registry.host)
    let downloads = await depot.service.want(Depot.wishes(image), from: source, urgency: .read)
    let download = try #require(downloads.first)
    let place: Int64 = (3 << 20) + 12_345
    let end = try await download.stretch(from: place)
    var read = [UInt8](repeating: 0, count: Int(min(end, place + 1000) - place))
    let reader = try download.reader()
    _ = try read.withUnsafeMutableBytes { try reader.read(at: place, into: $0) }
    #expect(read.elementsEqual(bytes[Int(place)...].prefix(read.count)))
    gate.open()
    try await download.end()
    let asked = registry.blobRequests.compactMap(\.range).filter { $0.count > 1 }
    #expect(asked.reduce(0) { $0 + $1.count } <= bytes.count + (2 << 20))
    _ = await depot.service.close()
  }

  @Test("what is in the store already can be read at once")
  func readingWhatIsHere() async throws {
    let image = try Self.image([100_000])
    let registry = try FakeRegistry(image)
    let depot = try Depot()
    let source = try depot.source(registry.host)
    let first = await depot.service.want(Depot.wishes(image), from: source)
    #expect(await Download.end(of: first) == nil)
    let second = try #require(
      await depot.service.want(Depot.wishes(image), from: source, urgency: .read).first)
    let end = try await second.prefix(beyond: 0)
    #expect(end == 100_000)
    _ = try second.reader()
    _ = await depot.service.close()
  }

  @Test("whoever has read bytes that were wrong is told")
  func readingWhatIsWrong() async throws {
    let image = try Self.image([100_000])
    let bytes = try #require(image.blobs[image.layers[0]])
    let gate = Gate()
    let isFirst = Counter()
    let registry = try FakeRegistry(image) { request in
      // The first question is where the blob is.
      guard (request.range?.count ?? 0) > 1 else { return nil }
      if isFirst.next() == 1 {
        return FakeRegistry.blob([bytes[0] ^ 1] + bytes.dropFirst(), request.range)
      }
      gate.pass()
      return nil
    }
    let depot = try Depot(workers: 1)
    let download = try #require(
      await depot.service.want(
        Depot.wishes(image), from: try depot.source(registry.host), urgency: .read
      ).first)
    let late = try #require(
      await depot.service.want(Depot.wishes(image), from: try depot.source(registry.host)).first)
    var end = try await download.prefix(beyond: 0)
    gate.open()
    let failure = await #expect(throws: DownloadError.self) {
      while end < 200_000 {
        let next = try await download.prefix(beyond: end)
        end = next > end ? next : 200_000
      }
    }
    #expect("\(failure.map { "\($0)" } ?? "")".contains("arrived damaged while it was read"))
    try await late.end()
    let whole = try await late.prefix(beyond: 99_999)
    #expect(whole == 100_000)
    _ = await depot.service.close()
  }
}
