@testable import Scheduling
import Synchronization
import Testing
import Tuning

private let mebibyte: Int64 = 1 << 20

@Suite("Scheduler")
struct SchedulerTests {
  @Test("a small blob is one request, without splitting", arguments: [1, 4, 32])
  func oneRequestEach(workers: Int) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: workers)) { _, _ in .good(rate: 5e6) }
    for _ in 0..<60 { network.add(512 << 10) }
    network.run()
    #expect(network.complete.count == 60)
    #expect(network.made.count == 60)
    #expect(network.mostOpen == min(workers, 60))
    #expect(network.made.allSatisfy { $0.range == 0..<(512 << 10) && $0.origin == .pending })
  }

  @Test("an empty blob, and one that is all here, are complete at once")
  func nothingToFetch() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 2)) { _, _ in .good(rate: 1e6) }
    network.add(0)
    network.add(100, have: RangeSet(0..<100))
    #expect(network.complete.count == 2)
    #expect(network.made.isEmpty)
    #expect(network.scheduler.isIdle)
  }

  @Test("only missing bytes are fetched, and bytes beyond the size are not believed")
  func resumes() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1)) { _, _ in .good(rate: 1e6) }
    network.add(1000, have: RangeSet([0..<100, 500..<600]))
    network.run()
    #expect(network.made.map(\.range) == [100..<500, 600..<1000])
    #expect(network.scheduler.bytesDone == 800)
    var other = Scheduler(policy: FixedPolicy(poolSize: 1))
    let (_, actions) = other.add(size: 10, have: RangeSet(0..<5_000))
    #expect(actions == [.complete(BlobID(index: 0))])
  }

  @Test("a lone large blob keeps every worker busy, and its head comes first")
  func splitsLargeBlob() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 8)) { _, _ in .good(rate: 2.5e6) }
    network.add(60 * mebibyte)
    network.run()
    #expect(network.complete.count == 1)
    #expect(network.mostOpen == 8)
    let first = network.made.prefix(8).map(\.range)
    #expect(first[0].lowerBound == 0)
    for (one, next) in zip(first, first.dropFirst()) { #expect(one.upperBound == next.lowerBound) }
    // Of different lengths, so that they do not all end at once.
    #expect(Set(first.map(\.count)).count == 8)
    // 8 workers at 2.5 MB/s need 3.15 s for 63 MB; each request costs 0.1 s more.
    #expect(network.seconds < 4.5)
  }

  @Test("segments follow the measured rate, within their bounds")
  func segmentLengths() {
    var scheduler = Scheduler(policy: FixedPolicy(poolSize: 2))
    scheduler.bytesToCome = 1 << 40
    func isAbout(_ rate: Double?, _ wanted: Int64) -> Bool {
      (wanted * 6 / 10...wanted * 14 / 10).contains(scheduler.segmentLength(rate: rate))
    }
    #expect(isAbout(nil, mebibyte))
    #expect(isAbout(5e6, 15_000_000))
    #expect(scheduler.segmentLength(rate: 10) == 64 << 10)
    #expect(scheduler.segmentLength(rate: 1e9) == 64 * mebibyte)
    // Half of a fair share, so that the last ones are short.
    scheduler.bytesToCome = 8 * mebibyte
    #expect(scheduler.segmentLength(rate: 2e6) == 2 * mebibyte)
  }

  /// Wants many workers, and few from a moment on.
  struct Shrinking: Policy {
    var name: String { "shrinking" }
    let to: Int
    var leavingSeconds: Double?
    mutating func start(_ opening: Opening) -> PoolDecision {
      PoolDecision(poolSize: 16, segmentSeconds: 1.5, reason: "")
    }
    mutating func observe(_ sample: Sample) -> PoolDecision {
      let size = sample.now.seconds < 2 ? 16 : to
      return PoolDecision(
        poolSize: size, segmentSeconds: 1.5, leavingSeconds: leavingSeconds, reason: "")
    }
  }

  @Test("workers that are to go and would take long hand their segments back; no byte is lost")
  func retiresSurplus() {
    let network = FakeNetwork(policy: Shrinking(to: 4)) { _, _ in .good(rate: 20_000) }
    network.add(8 * mebibyte)
    network.run(limit: 2.2)
    #expect(network.scheduler.openRequests == 4)
    #expect(network.cancelled.count == 12)
    network.run()
    #expect(network.complete.count == 1)
    // What each had brought is kept: every byte is reported once.
    #expect(network.scheduler.bytesDone == 8 * mebibyte && network.scheduler.bytesLeft == 0)
  }

  @Test("workers that are to go and are nearly done finish their segments")
  func finishesSegments() {
    let network = FakeNetwork(policy: Shrinking(to: 4)) { _, _ in .good(rate: 2e6) }
    network.add(200 * mebibyte)
    network.run(limit: 6)
    #expect(network.scheduler.openRequests == 4)
    #expect(network.cancelled.isEmpty)
  }

  @Test("workers that are to go at once hand back what would take longer; no byte is lost")
  func leavesAtOnce() {
    let policy = Shrinking(to: 4, leavingSeconds: 0.05)
    let network = FakeNetwork(policy: policy) { _, _ in .good(rate: 2e6) }
    network.add(200 * mebibyte)
    network.run(limit: 2.2)
    #expect(network.scheduler.openRequests == 4)
    #expect(network.cancelled.count > 6)
    network.run()
    #expect(network.complete.count == 1)
    #expect(network.scheduler.bytesDone == 200 * mebibyte && network.scheduler.bytesLeft == 0)
  }

  @Test("an idle worker takes the second half of the largest remainder")
  func stealsWork() {
    // The second request is slow, and holds up the end unless its rest is shared.
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4)) { fetch, count in
      .good(rate: count == 2 ? 20e3 : 20e6)
    }
    network.add(30 * mebibyte)
    network.run()
    #expect(network.complete.count == 1)
    #expect(network.made.contains { if case .split = $0.origin { true } else { false } })
    #expect(network.seconds < 20)
  }

  @Test(
    "small remainders are split where they are busy for long, and nowhere else",
    arguments: [
      // 5 KB/s a connection, as on a thin throttled line: 32 KiB would last 6 s.
      (32_000 as Int64, 5_000.0, true), (12_000, 2_000.0, true), (8_000, 2_000.0, false),
      // All of that is on its way already.
      (32_000, 20_000.0, false), (25_000, 11_000.0, false),
      // Large ones, as ever.
      (40_000, 20_000.0, true), (1_000_000, 100_000.0, true),
    ])
  func splitsSlowRemainders(remaining: Int64, rate: Double, isSplit: Bool) throws {
    var scheduler = Scheduler(policy: FixedPolicy(poolSize: 2))
    _ = scheduler.add(size: remaining)
    let first = try #require(scheduler.handle(.tick, now: .zero).fetches.first)
    _ = scheduler.handle(
      .responded(first.request, connectSeconds: nil), now: Moment(seconds: 0.01))
    var split = false
    for step in 1...20 where !split {
      let seconds = Double(step) / 10
      let position = min(first.range.upperBound - 1, Int64(rate * seconds))
      let actions = scheduler.handle(
        .advanced(first.segment, position: position), now: Moment(seconds: seconds))
      split = actions.fetches.contains { if case .split = $0.origin { true } else { false } }
    }
    #expect(split == isSplit)
  }

  @Test("a split that comes too late is undone without losing a byte")
  func splitMissed() throws {
    var scheduler = Scheduler(policy: FixedPolicy(poolSize: 2))
    let (blob, _) = scheduler.add(size: 4 * mebibyte)
    var actions = scheduler.handle(.tick, now: .zero)
    // The first segment is slow, and all others are done before it.
    var fetches = actions.fetches
    #expect(fetches.count == 2)
    var time = 0.0
    var split: Fetch?
    while split == nil, time < 600 {
      time += 1
      for fetch in fetches where fetch.range.lowerBound == 0 {
        actions = scheduler.handle(
          .responded(fetch.request, connectSeconds: nil), now: Moment(seconds: time))
        actions += scheduler.handle(
          .advanced(fetch.segment, position: Int64(time * 1000)), now: Moment(seconds: time))
      }
      for fetch in fetches where fetch.range.lowerBound > 0 {
        actions += scheduler.handle(.finished(fetch.request), now: Moment(seconds: time))
      }
      fetches += actions.fetches
      split = actions.fetches.first { if case .split = $0.origin { true } else { false } }
    }
    let late = try #require(split)
    guard case .split(let older) = late.origin else { return }
    // The older segment is further than was known: nothing new is decided on what is out of date.
    let missed = SchedulerEvent.splitMissed(
      late.segment, older: older, position: late.range.lowerBound + 9)
    #expect(scheduler.handle(missed, now: Moment(seconds: time)).isEmpty)
    #expect(scheduler.segments[older]?.position == late.range.lowerBound + 9)
    #expect(scheduler.segments[older]?.range.upperBound == late.range.upperBound)
    let owner = try #require(fetches.first { $0.segment == older })
    let end = scheduler.handle(.finished(owner.request), now: Moment(seconds: time))
    #expect(
      end.contains(.complete(blob))
        || end.fetches.allSatisfy { $0.range.lowerBound != late.range.lowerBound })
    #expect(scheduler.bytesDone <= 4 * mebibyte)
  }

  @Test("a straggler is asked for again, the first one wins and the other is cancelled")
  func repeatsStraggler() throws {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 2)) { _, count in
      count == 3 ? .silent : .good(rate: 5e6)
    }
    for _ in 0..<6 { network.add(300 << 10) }
    network.run(limit: 60)
    #expect(network.complete.count == 6)
    let again = try #require(network.made.first { $0.origin == .straggler })
    #expect(network.cancelled == [network.made[2].request])
    #expect(again.segment == network.made[2].segment)
  }

  @Test("a second request that fails for good does not end the first, which is healthy")
  func duplicateFailsAlone() throws {
    var scheduler = Scheduler(policy: FixedPolicy(poolSize: 2))
    let (blob, _) = scheduler.add(size: 1000)
    let first = try #require(scheduler.handle(.tick, now: .zero).fetches.first)
    let late = Moment(seconds: 20)
    let again = try #require(scheduler.handle(.tick, now: late).fetches.first)
    #expect(again.origin == .straggler)
    #expect(scheduler.handle(.failed(again.request, .fatal), now: late).deeds.isEmpty)
    // Nor is it repeated at once, again and again.
    #expect(scheduler.handle(.tick, now: Moment(seconds: 34)).deeds.isEmpty)
    #expect(
      scheduler.handle(.finished(first.request), now: Moment(seconds: 34)).deeds == [
        .complete(blob)
      ])
  }

  @Test("a failure after the last byte is no failure")
  func failsAfterTheEnd() throws {
    var scheduler = Scheduler(policy: FixedPolicy(poolSize: 1))
    let (blob, _) = scheduler.add(size: 1000)
    let fetch = try #require(scheduler.handle(.tick, now: .zero).fetches.first)
    _ = scheduler.handle(.advanced(fetch.segment, position: 1000), now: .zero)
    #expect(scheduler.handle(.failed(fetch.request, .fatal), now: .zero) == [.complete(blob)])
  }

  @Test("two splits of one segment that both come too late count no byte twice")
  func missesTwice() throws {
    var settings = SchedulerSettings()
    settings.minimumSegment = 4 * mebibyte
    var scheduler = Scheduler(policy: FixedPolicy(poolSize: 3), settings: settings)
    let (blob, _) = scheduler.add(size: 4 * mebibyte)
    let first = try #require(scheduler.handle(.tick, now: .zero).fetches.first)
    _ = scheduler.handle(.responded(first.request, connectSeconds: nil), now: .zero)
    let now = Moment(seconds: 1)
    let splits = scheduler.handle(.advanced(first.segment, position: 1000), now: now).fetches
    #expect(splits.count == 2)
    for split in splits {
      let missed = SchedulerEvent.splitMissed(
        split.segment, older: first.segment, position: 3_900_000)
      _ = scheduler.handle(missed, now: now)
    }
    _ = scheduler.handle(.advanced(first.segment, position: 3_900_000), now: now)
    #expect(scheduler.bytesDone == 3_900_000)
    #expect(scheduler.handle(.finished(first.request), now: now).contains(.complete(blob)))
    #expect(scheduler.bytesDone == 4 * mebibyte && scheduler.bytesLeft == 0)
  }

  @Test("a retry waits, with jitter, twice as long each time, and keeps what arrived")
  func backsOff() {
    let times = Times()
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1), step: 0.01, firstByte: 0) {
      _, count in
      count <= 4 ? .fails(after: 0, .transient) : .good(rate: 1e6)
    }
    network.add(1000)
    var last = 0
    while network.complete.isEmpty, network.seconds < 60 {
      network.advance()
      if network.made.count > last {
        last = network.made.count
        times.add(network.seconds)
      }
    }
    let waits = zip(times.all, times.all.dropFirst()).map { $1 - $0 }
    #expect(waits.count == 4)
    for (wait, ceiling) in zip(waits, [0.5, 1, 2, 4]) {
      #expect(wait >= ceiling / 2 - 0.02 && wait <= ceiling + 0.03, "\(wait) of \(ceiling)")
    }
    #expect(network.made.allSatisfy { $0.range == 0..<1000 })
  }

  @Test("what arrived before a failure is not fetched again")
  func keepsProgress() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1)) { _, count in
      count == 1 ? .fails(after: 700, .transient) : .good(rate: 1e6)
    }
    network.add(1000)
    network.run()
    #expect(network.made.map(\.range) == [0..<1000, 700..<1000])
  }

  @Test("a blob is given up after so many failures without a byte", arguments: [0, 1, 3, 8])
  func givesUp(retries: Int) {
    var settings = SchedulerSettings()
    settings.retries = retries
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1), settings: settings) { _, _ in
      .fails(after: 0, .transient)
    }
    network.add(1000)
    network.run()
    #expect(network.made.count == retries + 1)
    #expect(network.givenUp[BlobID(index: 0)] == network.made.last?.request)
  }

  @Test("a blob that gets on between failures is never given up")
  func slowProgressIsProgress() {
    var settings = SchedulerSettings()
    settings.retries = 2
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1), settings: settings) { fetch, _ in
      fetch.range.count > 10_000 ? .fails(after: 10_000, .transient) : .good(rate: 1e6)
    }
    network.add(200_000)
    network.run(limit: 500)
    #expect(network.givenUp.isEmpty)
    #expect(network.made.count >= 19)
  }

  @Test("a trickle is no progress, however many requests bring a little", arguments: [1, 10, 100])
  func trickleIsNoProgress(bytes: Int64) {
    for failure in [FetchFailure.transient, .serverError, .doubtful, .stalled] {
      let network = FakeNetwork(policy: FixedPolicy(poolSize: 4)) { _, _ in
        .fails(after: bytes, failure)
      }
      network.add(40 * mebibyte)
      network.run(limit: 600)
      #expect(network.givenUp.count == 1, "\(failure)")
      #expect(network.seconds < 300, "\(failure): \(network.seconds) s")
    }
  }

  @Test(
    "a server that lets time limits pass is asked three times, the last time for the whole blob")
  func givesUpAfterStalls() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1)) { _, _ in
      .fails(after: 0, .stalled)
    }
    network.add(40 * mebibyte)
    network.run()
    #expect(network.made.map(\.stalls) == [0, 1, 2])
    #expect(network.made.map(\.ranged) == [true, true, false])
    #expect(network.givenUp.count == 1)
  }

  /// https://github.com/canonical/microk8s/issues/5404
  @Test("ranges that nothing is said to, where a whole blob came, are not asked for twice")
  func silentRanges() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4)) { fetch, _ in
      let isWhole = !fetch.ranged || fetch.range.count == 1_000
      return isWhole ? .good(rate: 1e9) : .fails(after: 0, .stalled)
    }
    for size in [1_000, 40 * mebibyte] { network.add(size) }
    network.run(limit: 60)
    #expect(network.complete.count == 2)
    let ranges = network.made.filter { $0.blob.index == 1 && $0.ranged }
    #expect(ranges.count <= 4)
    #expect(ranges.allSatisfy { $0.stalls == 0 })
  }

  @Test("a failure that no retry can mend ends its blob at once, and not the others")
  func fatalEndsAtOnce() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 3)) { fetch, _ in
      fetch.blob.index == 1 ? .fails(after: 0, .fatal) : .good(rate: 1e5)
    }
    for _ in 0..<3 { network.add(4 * mebibyte) }
    network.run(limit: 1)
    #expect(network.givenUp.keys.contains(BlobID(index: 1)))
    #expect(network.complete.isSubset(of: [BlobID(index: 0), BlobID(index: 2)]))
    // Asked for once more, as a whole: it might have been the range.
    let asked = network.made.filter { $0.blob.index == 1 }
    #expect(asked.map(\.ranged) == [true, false])
  }

  @Test("a doubtful answer is asked for again, and believed at the fifth time", arguments: [4, 5])
  func asksAgainInDoubt(doubts: Int) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1)) { _, count in
      count <= doubts ? .fails(after: 0, .doubtful) : .good(rate: 1e6)
    }
    network.add(1000)
    network.run(limit: 60)
    #expect(network.made.count == 5)
    #expect(network.givenUp.isEmpty == (doubts < 5))
  }

  @Test("one doubtful answer after other failures is not believed")
  func doubtsAreCountedApart() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1)) { _, count in
      count <= 6 ? .fails(after: 0, count == 6 ? .doubtful : .transient) : .good(rate: 1e6)
    }
    network.add(1000)
    network.run(limit: 120)
    #expect(network.complete.count == 1)
  }

  @Test("Retry-After holds what was refused back, in full", arguments: [2.0, 17.0])
  func obeysRetryAfter(seconds: Double) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 2), step: 0.05, firstByte: 0) {
      _, count in
      count == 1 ? .fails(after: 0, .refused(retryAfter: seconds)) : .good(rate: 1e9)
    }
    for _ in 0..<3 { network.add(1000) }
    network.run(limit: 60)
    #expect(network.complete.count == 3)
    #expect(network.made.map(\.blob.index) == [0, 1, 2, 0])
    #expect(network.seconds >= seconds)
    #expect(network.seconds < seconds + 1)
  }

  @Test("a server that refuses some goes on with as many as it serves")
  func goesOnWithTheServed() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 8), step: 0.05, firstByte: 0) { _, _ in
      .good(rate: 1e6)
    }
    network.mostServed = 3
    network.retryAfter = 2
    for _ in 0..<30 { network.add(1_000_000) }
    network.run(limit: 60)
    #expect(network.complete.count == 30)
    // 30 MB at 3 MB/s, and the last that were refused wait.
    #expect(network.seconds < 16)
  }

  @Test("a server that hangs up on whom it does not serve is one that refuses", arguments: [1, 2])
  func hangsUpOnTheOthers(served: Int) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 8), step: 0.01, firstByte: 0.01) {
      _, _ in .good(rate: 1e6)
    }
    network.mostServed = served
    network.hangsUp = true
    for _ in 0..<30 { network.add(150_000) }
    network.run(limit: 60)
    #expect(network.complete.count == 30)
    #expect(network.made.count < 150, "\(network.made.count)")
    #expect(network.samples.contains { !$0.sample.refusals.isEmpty })
  }

  @Test("a line that breaks connections wherever they are is none that refuses")
  func badLine() {
    var dice = RandomSource(seed: 7)
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 8), step: 0.01, firstByte: 0.05) {
      _, _ in
      switch Int.random(in: 0..<10, using: &dice) {
      case 0, 1, 2: .hangsUp(.transient)
      case 3, 4: .fails(after: 50_000, .transient)
      default: .good(rate: 1e6)
      }
    }
    for _ in 0..<60 { network.add(300_000) }
    network.run(limit: 300)
    #expect(network.complete.count == 60)
    #expect(network.samples.allSatisfy { $0.sample.refusals.isEmpty })
  }

  @Test("a server that nobody reaches for a while refuses nobody")
  func awayForAWhile() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 8), step: 0.01, firstByte: 0.01) {
      _, _ in .good(rate: 1e6)
    }
    for _ in 0..<30 { network.add(500_000) }
    network.run(limit: 0.3)
    network.behave = { _, _ in .hangsUp(.transient) }
    for id in network.flights.keys.sorted() { network.fail(id, .transient) }
    network.run(limit: 6)
    network.behave = { _, _ in .good(rate: 1e6) }
    network.run(limit: 100)
    #expect(network.complete.count == 30)
    #expect(network.samples.allSatisfy { $0.sample.refusals.isEmpty })
  }

  @Test("where all are refused, nobody asks before the time")
  func waitsWhereAllAreRefused() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4), step: 0.05, firstByte: 0) {
      _, count in
      count <= 4 ? .fails(after: 0, .refused(retryAfter: 5)) : .good(rate: 1e9)
    }
    for _ in 0..<8 { network.add(1000) }
    network.run(limit: 4.9)
    #expect(network.made.count == 4)
    network.run(limit: 60)
    #expect(network.complete.count == 8)
  }

  @Test(
    "a place where nobody was ever reached is tried twice, and waited for where others bring bytes",
    arguments: [(true, 2, true), (false, 3, false)])
  func absence(isAll: Bool, tries: Int, isOver: Bool) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 2)) { fetch, count in
      let isDead = isAll || fetch.blob.index == 0 && count < 8
      return isDead ? .fails(after: 0, .absent) : .good(rate: 200_000)
    }
    network.add(1_000_000)
    network.add(2_000_000)
    network.run(limit: isAll ? 3 : 100)
    #expect(network.givenUp.isEmpty == !isOver)
    let first = network.made.count { $0.blob.index == 0 }
    #expect(isAll ? first == tries : first >= tries)
    // Whoever is not there is not asked for the whole blob instead.
    #expect(network.made.allSatisfy { $0.ranged })
  }

  @Test("a Retry-After beyond all patience ends the pull")
  func refusesAbsurdRetryAfter() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1)) { _, _ in
      .fails(after: 0, .refused(retryAfter: 86_400))
    }
    network.add(1000)
    network.run(limit: 5)
    #expect(network.givenUp.count == 1)
  }

  @Test("refusals do not end a pull that gets on elsewhere")
  func refusalsWithProgress() {
    var settings = SchedulerSettings()
    settings.retries = 1
    // The server takes two requests at a time and refuses the rest.
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 6), settings: settings) { _, count in
      return count % 3 == 0 ? .fails(after: 0, .refused(retryAfter: nil)) : .good(rate: 2e6)
    }
    for _ in 0..<30 { network.add(3 * mebibyte) }
    network.run(limit: 600)
    #expect(network.complete.count == 30)
  }

  @Test("a server that ignores ranges is taken at its word: one request brings the rest")
  func takesWholeBody() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4)) { _, _ in .whole(rate: 10e6) }
    network.add(20 * mebibyte)
    network.run()
    #expect(network.complete.count == 1)
    #expect(network.made.count == 4)
    #expect(network.cancelled.count == 3)
  }

  @Test("where ranges are refused in the middle, one whole blob brings all that is missing")
  func oneWholeBlobBringsTheRest() {
    var served = 0
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4)) { fetch, _ in
      guard fetch.ranged else { return .whole(rate: 5e6) }
      served += 1
      // Every second one of the first, so that what is here has gaps.
      return served <= 10 && served % 2 == 1 ? .good(rate: 5e6) : .fails(after: 0, .fatal)
    }
    network.add(40 * mebibyte)
    network.run(limit: 120)
    #expect(network.complete.count == 1)
    let wholes = network.made.filter { !$0.ranged }
    #expect(wholes.count == 1 && wholes[0].range.upperBound == 40 * mebibyte, "\(wholes)")
  }

  @Test("what a whole blob brings before the first byte that is missing is no outage")
  func passingIsNoOutage() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1)) { fetch, _ in
      fetch.ranged ? .fails(after: 0, .rangeRefused) : .whole(rate: 5e6)
    }
    network.add(40 * mebibyte, have: RangeSet(0..<30 * mebibyte))
    network.run(limit: 60)
    #expect(network.complete.count == 1)
    var recorder = PullRecorder(opening: Opening())
    for (sample, decision) in network.samples { recorder.observe(sample, decision) }
    #expect(network.samples.count { $0.sample.open == 1 && $0.sample.carrying == 0 } > 60)
    #expect(recorder.record(at: network.now).evidence.silent == nil)
  }

  @Test("after a second 416 the blob is asked for without a range", arguments: [1, 2])
  func asksWithoutRange(refusals: Int) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1)) { fetch, count in
      fetch.ranged && count <= refusals ? .fails(after: 0, .rangeRefused) : .good(rate: 50e6)
    }
    network.add(1000, have: RangeSet(0..<10))
    network.run(limit: 10)
    #expect(network.complete.count == 1)
    #expect(network.made.map(\.ranged) == (refusals == 1 ? [true, true] : [true, true, false]))
    #expect(network.seconds < 1)
  }

  @Test("the whole blob is asked for before a server without ranges is given up")
  func asksForTheWholeBeforeGivingUp() {
    var settings = SchedulerSettings()
    settings.retries = 1
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1), settings: settings) { fetch, _ in
      fetch.ranged ? .fails(after: 0, .rangeRefused) : .good(rate: 50e6)
    }
    network.add(1000, have: RangeSet(0..<10))
    network.run(limit: 10)
    #expect(network.complete.count == 1)
  }

  @Test(
    "where ranges only ever fail, blobs are asked for as a whole, and what one taught holds for all",
    arguments: [
      (FetchFailure.transient, 30), (.serverError, 20), (.doubtful, 30), (.rangeRefused, 30),
      (.denied, 40),
      (.refused(retryAfter: nil), 24), (.fatal, 12),
    ])
  func wholeWhereRangesFail(_ failure: FetchFailure, most: Int) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 2)) { fetch, _ in
      fetch.ranged ? .fails(after: 0, failure) : .good(rate: 50e6)
    }
    network.saysSent = true
    for _ in 0..<6 { network.add(5 * mebibyte) }
    network.run(limit: 600)
    #expect(network.complete.count == 6)
    #expect(network.made.count <= most)
  }

  @Test("ranges that are refused as for load cost a few waits, in full", arguments: [nil, 4.0])
  func wholeWhereRangesAreLoad(retryAfter: Double?) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4), step: 0.05, firstByte: 0) {
      fetch, _ in
      fetch.ranged && fetch.blob.index > 0
        ? .fails(after: 0, .refused(retryAfter: retryAfter)) : .good(rate: 50e6)
    }
    network.add(1000)
    for _ in 0..<6 { network.add(5 * mebibyte) }
    network.run(limit: 600)
    #expect(network.complete.count == 7)
    #expect(network.seconds < (retryAfter == nil ? 8 : 40), "\(network.seconds)")
    #expect(retryAfter == nil || network.seconds >= 12)
  }

  @Test("a server that refuses everything for a while serves ranges once it has come to itself")
  func rangesAfterLoad() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4), step: 0.05, firstByte: 0) {
      _, count in count <= 8 ? .fails(after: 0, .refused(retryAfter: nil)) : .good(rate: 5e6)
    }
    for _ in 0..<6 { network.add(20 * mebibyte) }
    network.run(limit: 600)
    #expect(network.complete.count == 6)
    // One at most was asked for as a whole when it did.
    #expect(Set(network.made.filter { !$0.ranged }.map(\.blob)).count <= 2)
    #expect(network.made.count { $0.ranged } > 30)
  }

  @Test(
    "a whole answer to one range, and servers that cannot be reached, say nothing against ranges")
  func rangesAreNotGivenUpLightly() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 2)) { _, count in
      count == 0 ? .whole(rate: 5e6) : .good(rate: 5e6)
    }
    for _ in 0..<3 { network.add(5 * mebibyte) }
    network.run(limit: 60)
    #expect(network.complete.count == 3 && network.made.allSatisfy { $0.ranged })

    var scheduler = Scheduler(policy: FixedPolicy(poolSize: 1))
    _ = scheduler.add(size: 5 * mebibyte)
    var fetches = scheduler.handle(.tick, now: .zero).fetches
    for second in 1...4 {
      let now = Moment(seconds: Double(second))
      #expect(fetches.allSatisfy { $0.ranged })
      let failed = fetches.first.map { scheduler.handle(.failed($0.request, .transient), now: now) }
      fetches = (failed ?? []).fetches + scheduler.handle(.tick, now: now).fetches
    }
  }

  @Test("damaged content is fetched again, all of it")
  func fetchesDamagedAgain() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 1)) { _, _ in .good(rate: 1e6) }
    network.add(1000)
    network.run()
    network.received[0] = RangeSet()
    network.complete = []
    network.tell(.damaged(BlobID(index: 0)))
    network.run()
    #expect(network.complete.count == 1)
    #expect(network.made.map(\.range) == [0..<1000, 0..<1000])
  }

  @Test("a shrinking pool kills nothing: workers retire at the end of their segments")
  func shrinksGently() {
    let network = FakeNetwork(policy: Steps([(0, 12), (1, 3)])) { _, _ in .good(rate: 1e6) }
    network.add(100 * mebibyte)
    network.run(limit: 200)
    #expect(network.complete.count == 1)
    #expect(network.mostOpen == 12)
    #expect(network.cancelled.isEmpty)
    #expect(network.scheduler.decision.poolSize == 3)
  }

  @Test("a growing pool is used at once")
  func growsAtOnce() {
    let network = FakeNetwork(policy: Steps([(0, 1), (1, 9)])) { _, _ in .good(rate: 1e6) }
    network.add(200 * mebibyte)
    while network.seconds < 1.3 { network.advance() }
    #expect(network.scheduler.openRequests == 9)
  }

  @Test("events of requests that are gone change nothing")
  func ignoresStrangers() {
    var scheduler = Scheduler(policy: FixedPolicy(poolSize: 1))
    _ = scheduler.add(size: 10)
    let fetch = scheduler.handle(.tick, now: .zero).fetches[0]
    _ = scheduler.handle(.finished(fetch.request), now: Moment(seconds: 1))
    let before = scheduler.bytesDone
    for event: SchedulerEvent in [
      .finished(fetch.request), .failed(fetch.request, .fatal),
      .advanced(fetch.segment, position: 5),
      .wholeBody(fetch.request), .responded(fetch.request, connectSeconds: 1),
      .splitMissed(fetch.segment, older: fetch.segment, position: 3),
    ] {
      #expect(scheduler.handle(event, now: Moment(seconds: 2)).deeds.isEmpty)
    }
    #expect(scheduler.bytesDone == before && scheduler.bytesLeft == 0)
  }

  @Test("samples say what the pool did")
  func samples() {
    var settings = SchedulerSettings()
    settings.sampleSeconds = 100
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4), settings: settings) { _, count in
      count == 2 ? .fails(after: 0, .refused(retryAfter: 1)) : .good(rate: 100)
    }
    network.scheduler.bytesToCome = 77
    network.add(1000)
    network.add(1000)
    for _ in 0..<4 { network.advance() }
    let sample = network.scheduler.sample(now: Moment(seconds: network.seconds))
    #expect(sample.poolSize == 4)
    #expect(sample.open == 1)
    #expect(sample.carrying == 1)
    #expect(sample.bytesDone + sample.bytesLeft == 2077)
    #expect(sample.refusals.map(\.retryAfter) == [1])
    #expect(sample.firstByteSeconds.count == 2)
    #expect(sample.appLimit == .backingOff)
  }

  @Test("any mix of failures ends with every byte, exactly once", arguments: 0..<200)
  func survivesAnything(seed: UInt64) {
    var random = RandomSource(seed: seed)
    let workers = Int.random(in: 1...24, using: &random)
    var settings = SchedulerSettings()
    settings.retries = 50
    let share = Double.random(in: 0...0.5, using: &random)
    var dice = RandomSource(seed: seed ^ 0xABCD)
    let box = Mutex(dice)
    let network = FakeNetwork(policy: FixedPolicy(poolSize: workers), settings: settings) { _, _ in
      box.withLock { dice in
        guard Double.random(in: 0..<1, using: &dice) < share else {
          return .good(rate: Double.random(in: 1e5...2e7, using: &dice))
        }
        switch Int.random(in: 0..<7, using: &dice) {
        case 5: return .fails(after: 0, .denied)
        case 0: return .fails(after: Int64.random(in: 0...900_000, using: &dice), .transient)
        case 1:
          return .fails(after: 0, .refused(retryAfter: Double.random(in: 0...3, using: &dice)))
        case 2: return .fails(after: 0, .rangeRefused)
        case 3: return .whole(rate: 5e6)
        case 4: return .fails(after: 1, .transient)
        default: return .silent
        }
      }
    }
    dice = RandomSource(seed: seed)
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      network.add(Int64.random(in: 0...(12 * mebibyte), using: &random))
    }
    // A silent request ends by the engine's stall rule, here after 30 s.
    while network.complete.count + network.givenUp.count < network.sizes.count,
      network.seconds < 3_000
    {
      network.advance()
      for (id, flight) in network.flights.sorted(by: { $0.key < $1.key }) {
        if case .silent = flight.behaviour, network.seconds - flight.start > 30 {
          network.fail(id, .transient)
        }
      }
    }
    #expect(network.givenUp.isEmpty)
    #expect(network.complete.count == network.sizes.count)
    #expect(network.mostOpen <= workers)
    #expect(network.scheduler.bytesLeft == 0)
    #expect(network.scheduler.isIdle == true)
  }
}

extension [SchedulerAction] {
  /// What there is to do; a sample that was taken is only news.
  fileprivate var deeds: [SchedulerAction] {
    filter { if case .sampled = $0 { false } else { true } }
  }

  fileprivate var fetches: [Fetch] {
    compactMap { if case .fetch(let fetch) = $0 { fetch } else { nil } }
  }
}

/// Times that closures note.
private final class Times: Sendable {
  private let list = Mutex<[Double]>([])
  func add(_ time: Double) { list.withLock { $0.append(time) } }
  var all: [Double] { list.withLock { $0 } }
}

/// A policy that changes its mind at given seconds.
private struct Steps: Policy {
  let steps: [(Double, Int)]
  init(_ steps: [(Double, Int)]) { self.steps = steps }
  var name: String { "steps" }
  mutating func start(_ opening: Opening) -> PoolDecision { decide(opening.now) }
  mutating func observe(_ sample: Sample) -> PoolDecision { decide(sample.now) }
  private func decide(_ now: Moment) -> PoolDecision {
    PoolDecision(poolSize: steps.last { $0.0 <= now.seconds }?.1 ?? 1, reason: "step")
  }
}
