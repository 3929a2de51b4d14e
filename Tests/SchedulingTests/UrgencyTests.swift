@testable import Scheduling
import Testing
import Tuning

private let mebibyte: Int64 = 1 << 20

extension SchedulerEvent {
  /// Those who read all that is behind them.
  fileprivate static func readers(_ blob: BlobID, at positions: [Int64]) -> SchedulerEvent {
    .readers(blob, positions.map { $0..<Int64.max })
  }
}

@Suite("Urgency")
struct UrgencyTests {
  private static func network(_ workers: Int) -> FakeNetwork {
    FakeNetwork(policy: FixedPolicy(poolSize: workers)) { _, _ in .good(rate: 2.5e6) }
  }

  @Test("what is needed sooner is begun first, whenever it came")
  func order() {
    let network = Self.network(2)
    for urgency in [Urgency.ahead, .whole, .ahead, .read] { network.add(512 << 10, urgency) }
    network.run()
    #expect(network.made.map(\.blob.index) == [3, 1, 0, 2])
  }

  @Test(
    "of what is read the lowest bytes come first, and its last ones are split before others begin")
  func readers() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4)) { fetch, _ in
      .good(rate: fetch.blob.index == 1 && fetch.range.lowerBound == 0 ? 3e5 : 2.5e6)
    }
    network.add(40 * mebibyte, .ahead)
    network.add(16 * mebibyte, .read)
    network.run(limit: 0.5)
    let read = network.made.prefix { $0.blob.index == 1 }
    #expect(read.count >= 4)
    #expect(
      read.prefix(4).map(\.range.lowerBound) == read.prefix(4).map(\.range.lowerBound).sorted())
    network.run()
    #expect(network.complete.count == 2)
    let begun = network.made.firstIndex { $0.blob.index == 0 } ?? 0
    #expect(
      network.made[..<begun].contains { if case .split = $0.origin { true } else { false } })
  }

  @Test("a reader gets a place at once where all workers are busy with what is needed later")
  func makesRoom() {
    let network = Self.network(3)
    network.add(200 * mebibyte, .whole)
    network.run(limit: 3)
    let before = network.scheduler.bytesDone
    network.add(mebibyte, .read)
    network.tell(.tick)
    #expect(network.made.last?.blob.index == 1)
    #expect(network.cancelled.count == 1)
    #expect(network.scheduler.openRequests == 3)
    #expect(network.scheduler.bytesDone == before)
    network.run()
    // Nothing came twice: the network checks that, and that all of it came.
    #expect(network.complete.count == 2)
  }

  @Test("what is late is asked for anew where somebody else can be asked; what comes is left alone")
  func joined() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 2)) { fetch, _ in
      fetch.request.number < 2 ? .silent : .good(rate: 2.5e6)
    }
    network.add(40 * mebibyte, .whole)
    network.run(limit: 1)
    for fetch in network.made { network.tell(.joined(fetch.request)) }
    #expect(network.cancelled.isEmpty)
    network.run(limit: 4)
    for fetch in network.made { network.tell(.joined(fetch.request)) }
    #expect(network.cancelled == network.made.prefix(1).map(\.request))
    network.run()
    #expect(network.complete.count == 1)
  }

  @Test("who waits for the whole of it makes nobody hand anything back")
  func wholeWaits() {
    let network = Self.network(3)
    network.add(50 * mebibyte, .ahead)
    network.run(limit: 2)
    network.add(mebibyte, .whole)
    network.tell(.tick)
    #expect(network.cancelled.isEmpty)
    network.run()
    #expect(network.complete.count == 2)
  }

  @Test("a blob can become more urgent while it is fetched")
  func raised() {
    let network = Self.network(1)
    network.add(8 * mebibyte, .whole)
    network.add(mebibyte, .ahead)
    network.tell(.tick)
    network.tell(.urgency(BlobID(index: 1), .read))
    #expect(network.made.last?.blob.index == 1)
    network.run()
    #expect(network.complete.count == 2)
  }

  @Test("bytes that a reader waits for come first, wherever in the blob they are")
  func readsElsewhere() {
    let network = Self.network(3)
    network.add(100 * mebibyte, .read)
    network.run(limit: 1)
    network.tell(.readers(BlobID(index: 0), at: [80 * mebibyte]))
    network.tell(.tick)
    #expect(network.made.last?.range.lowerBound == 80 * mebibyte)
    #expect(network.scheduler.openRequests == 3)
    network.run()
    #expect(network.complete.count == 1)
  }

  @Test(
    "a reader far ahead in what somebody fetches has a request of his own, whether a worker is idle",
    arguments: [1, 2, 3])
  func readsFarAhead(workers: Int) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: workers)) { _, _ in .good(rate: 2e5) }
    network.add(16 * mebibyte, .read)
    network.run(limit: 1)
    let longest = network.made.max { $0.range.count < $1.range.count }
    let place = (longest?.range.upperBound ?? 0) - 10
    network.tell(.readers(BlobID(index: 0), at: [place]))
    network.tell(.tick)
    #expect(network.made.last?.range.lowerBound == place)
    #expect(network.scheduler.openRequests <= workers)
    // He is at it: nobody else begins there, and nothing is handed back for him again.
    let made = network.made.count
    network.tell(.tick)
    #expect(network.made.count == made)
    network.run()
    #expect(network.complete.count == 1)
  }

  @Test("a reader who is about to get his bytes makes nobody begin anew")
  func readsNear() {
    let network = Self.network(2)
    network.add(16 * mebibyte, .read)
    network.run(limit: 1)
    let position = network.made.last?.range.lowerBound ?? 0
    let made = network.made.count
    network.tell(.readers(BlobID(index: 0), at: [position + 100_000]))
    #expect(network.made.count == made && network.cancelled.isEmpty)
    network.run()
    #expect(network.complete.count == 1)
  }

  @Test(
    "of what is read in parts no more is fetched than is read, unless somebody wants the rest",
    arguments: [Urgency.spare, .ahead])
  func readsParts(rest: Urgency) {
    let network = Self.network(8)
    network.add(100 * mebibyte, rest)
    let parts = [50 * mebibyte, 3 * mebibyte, 100 * mebibyte - 5].map {
      $0..<min($0 + 65_536, 100 * mebibyte)
    }
    for part in parts {
      network.tell(.readers(BlobID(index: 0), [part], areShort: true))
      network.run(limit: 0.5)
      #expect(RangeSet(part).subtracting(network.received[0]).isEmpty)
      // Who reads has the line, but for a few; and who goes ends nothing.
      #expect(network.flights.count == (rest == .spare ? 0 : 2))
      let cancelled = network.cancelled.count
      network.tell(.readers(BlobID(index: 0), []))
      #expect(network.cancelled.count == cancelled)
    }
    if rest == .spare {
      #expect(network.made.map(\.range) == parts)
      #expect(network.scheduler.sample(now: network.now).appLimit == .backingOff)
    }
    network.tell(.urgency(BlobID(index: 0), .whole))
    network.run()
    #expect(network.complete.count == 1)
  }

  @Test(
    "what is ahead goes on with few workers while somebody reads a little, and with all after that")
  func readsBesideAhead() {
    let network = Self.network(8)
    for _ in 0..<2 { network.add(400 * mebibyte, .ahead) }
    network.run(limit: 1)
    #expect(network.flights.count == 8)
    let part = (300 * mebibyte)..<(300 * mebibyte + 65_536)
    network.tell(.readers(BlobID(index: 1), [part], areShort: true))
    #expect(network.flights.count == 3)
    network.run(limit: 1)
    #expect(network.flights.count == 2)
    network.run(limit: 10)
    #expect(network.flights.count == 8)
    // A reader of much is one of those who pull, however little is left of it.
    for start in [390 * mebibyte, 400 * mebibyte - 65_536] {
      network.tell(.readers(BlobID(index: 1), [start..<(400 * mebibyte)]))
      #expect(network.flights.count == 8)
    }
    network.run()
    #expect(network.complete.count == 2)
  }

  @Test("nobody hands back what another reader waits for")
  func readersShare() {
    let network = Self.network(2)
    network.add(100 * mebibyte, .read)
    network.tell(.readers(BlobID(index: 0), at: [0, 50 * mebibyte]))
    network.tell(.tick)
    #expect(Set(network.made.map(\.range.lowerBound)) == [0, 50 * mebibyte])
    let before = network.cancelled.count
    network.tell(.readers(BlobID(index: 0), at: [0, 50 * mebibyte, 90 * mebibyte]))
    network.tell(.tick)
    // Both workers are at what somebody waits for: the third one has the next place.
    #expect(network.cancelled.count == before)
    network.run(limit: 60)
    #expect(network.made.contains { $0.range.lowerBound == 90 * mebibyte })
    network.run()
    #expect(network.complete.count == 1)
  }

  @Test("readers of the last byte, of none and of what is there change nothing")
  func readersAtTheEdge() {
    let network = Self.network(2)
    network.add(8 * mebibyte, .read, have: RangeSet(0..<mebibyte))
    let odd = [0, mebibyte - 1, 8 * mebibyte - 1, 8 * mebibyte, .max]
    network.tell(.readers(BlobID(index: 0), at: odd))
    network.run()
    #expect(network.complete.count == 1)
    #expect(network.made.allSatisfy { !$0.range.isEmpty && $0.range.upperBound <= 8 * mebibyte })
  }

  @Test("nobody makes room while a server asks to be left alone")
  func refused() {
    let network = Self.network(2)
    network.add(50 * mebibyte, .whole)
    network.run(limit: 1)
    let request = network.flights.keys.sorted()[0]
    network.fail(request, .refused(retryAfter: 5))
    let before = network.made.count
    network.add(mebibyte, .read)
    network.tell(.tick)
    #expect(network.made.count == before)
  }

  @Test(
    "blobs that nobody wants any more end, and the rest goes on as if they had never been there")
  func left() {
    let network = Self.network(4)
    network.add(20 * mebibyte)
    network.add(20 * mebibyte)
    network.run(limit: 1)
    network.leave([0])
    #expect(network.flights.values.allSatisfy { $0.fetch.blob.index == 1 })
    let left = network.scheduler.bytesLeft
    #expect(left == 20 * mebibyte - network.received[1].ranges.reduce(0) { $0 + Int64($1.count) })
    network.run(limit: 30)
    #expect(network.complete == [BlobID(index: 1)])
    #expect(network.scheduler.bytesLeft == 0 && network.scheduler.isIdle)
  }

  @Test("a blob that is given up leaves nothing to do")
  func givenUp() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 2)) { fetch, _ in
      fetch.blob.index == 0 ? .fails(after: 10, .fatal) : .good(rate: 1e6)
    }
    network.add(2 * mebibyte)
    network.add(2 * mebibyte)
    network.run()
    #expect(network.givenUp.count == 1 && network.complete.count == 1)
    #expect(network.scheduler.bytesLeft == 0)
  }

  @Test("who reads a small blob of which the middle is here gets the piece that he waits for")
  func smallInPieces() {
    var scheduler = Scheduler(policy: FixedPolicy(poolSize: 1))
    let (id, _) = scheduler.add(size: 1_000, have: RangeSet(400..<500), urgency: .read)
    _ = scheduler.handle(.tick, now: .zero)
    let actions = scheduler.handle(.readers(id, at: [500]), now: Moment(seconds: 0.01))
    let fetched = actions.compactMap { action -> Range<Int64>? in
      if case .fetch(let fetch) = action { fetch.range } else { nil }
    }
    #expect(fetched == [500..<1_000])
  }
}
