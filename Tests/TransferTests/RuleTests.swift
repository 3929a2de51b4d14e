import Glibc
import Support
import Synchronization
import Testing
import Transfer

/// `#expect` for calls that change what they are called on.
private func check(_ isTrue: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(isTrue, sourceLocation: sourceLocation)
}

@Suite("StallRule")
struct StallRuleTests {
  @Test("a transfer that brings nothing has stalled when the time is up, not before")
  func nothing() {
    var rule = StallRule(minimumRate: 100, timeout: 10, now: 0)
    for second in 1...9 { check(!rule.isStalled(bytes: 0, now: Double(second))) }
    check(rule.isStalled(bytes: 0, now: 10))
  }

  @Test("bytes that trickle in are no progress")
  func trickle() {
    var rule = StallRule(minimumRate: 100, timeout: 10, now: 0)
    var stalledAt: Int?
    for second in 1...30 where stalledAt == nil {
      if rule.isStalled(bytes: Int64(second * 99), now: Double(second)) { stalledAt = second }
    }
    #expect(stalledAt == 10)
  }

  @Test("a burst does not pay for a long silence")
  func burst() {
    var rule = StallRule(minimumRate: 100, timeout: 5, now: 0)
    check(!rule.isStalled(bytes: 50_000_000, now: 1))
    for second in 2...5 { check(!rule.isStalled(bytes: 50_000_000, now: Double(second))) }
    check(rule.isStalled(bytes: 50_000_000, now: 6))
  }

  @Test("what has a limit in all ends there, however much comes")
  func limited() {
    var rule = StallRule(minimumRate: 100, timeout: 5, limit: 50, now: 0)
    for second in 1...49 { check(!rule.isStalled(bytes: Int64(second << 20), now: Double(second))) }
    #expect(!rule.isTooLong)
    #expect(rule.isStalled(bytes: 50 << 20, now: 50) && rule.isTooLong)
  }

  @Test("a transfer that recovers in time goes on")
  func recovers() {
    var rule = StallRule(minimumRate: 100, timeout: 5, now: 0)
    for second in 1...4 { check(!rule.isStalled(bytes: 0, now: Double(second))) }
    for second in 5...60 { check(!rule.isStalled(bytes: Int64(second * 100), now: Double(second))) }
  }
}

@Suite("RateLimiter")
struct RateLimiterTests {
  @Test(
    "the mean is the limit, whatever the size of chunks",
    arguments: [100, 1_000, 16_384, 1_000_000])
  func meanIsTheLimit(chunk: Int) {
    var limiter = RateLimiter(bytesPerSecond: 100_000, now: 0)
    var now = 0.0
    var sent = 0
    while now < 100 {
      let delay = limiter.delay(now: now)
      if delay > 0 {
        now += delay
        continue
      }
      limiter.spend(chunk)
      sent += chunk
    }
    let expected = 100_000 * 100
    #expect(abs(sent - expected) <= chunk + 5_000 + expected / 100)
  }

  @Test("an idle limiter saves up only a moment's worth")
  func savesLittle() {
    var limiter = RateLimiter(bytesPerSecond: 1_000, now: 0)
    check(limiter.delay(now: 3_600) == 0)
    limiter.spend(60)
    check(limiter.delay(now: 3_600) > 0)
  }
}

@Suite("FileWindow")
struct FileWindowTests {
  /// A window over an array.
  final class Target: Sendable {
    let log = Log<(Int64, [UInt8])>()
    func sink(_ bytes: UnsafeRawBufferPointer, _ offset: Int64) -> Int32 {
      log.add((offset, Array(bytes)))
      return 0
    }
  }

  func accept(_ window: FileWindow, _ bytes: [UInt8], at offset: Int64) -> FileWindow.Outcome {
    bytes.withUnsafeBytes { window.accept($0, at: offset) }
  }

  @Test("takes bytes in order, up to its end")
  func takesInOrder() {
    let target = Target()
    let window = FileWindow(10..<15, sink: target.sink)
    #expect(accept(window, [1, 2, 3], at: 10) == .more)
    #expect(window.written == 13 && !window.isFull)
    #expect(accept(window, [4, 5, 6, 7], at: 13) == .full)
    #expect(window.isFull)
    #expect(target.log.all.map(\.0) == [10, 13])
    #expect(target.log.all.map(\.1) == [[1, 2, 3], [4, 5]])
  }

  @Test("two transfers fill one window, each byte once")
  func sharesBetweenTwo() {
    let target = Target()
    let window = FileWindow(0..<10, sink: target.sink)
    _ = accept(window, [0, 1, 2, 3], at: 0)
    _ = accept(window, [9, 9, 9], at: 0)
    #expect(window.written == 4)
    _ = accept(window, [9, 9, 4, 5, 6], at: 2)
    #expect(window.written == 7)
    _ = accept(window, [9, 9, 9], at: 4)
    #expect(accept(window, [7, 8, 9], at: 7) == .full)
    #expect(target.log.all.flatMap(\.1) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  }

  @Test("bytes before the window are passed over, bytes beyond a gap are not taken")
  func skips() {
    let target = Target()
    let window = FileWindow(5..<8, sink: target.sink)
    #expect(accept(window, [0, 1, 2], at: 0) == .more)
    #expect(accept(window, [9], at: 7) == .more)
    #expect(accept(window, [3, 4, 5, 6, 7, 8, 9], at: 3) == .full)
    #expect(target.log.all.flatMap(\.1) == [5, 6, 7])
  }

  @Test("a split is refused once the window is filled beyond it")
  func splits() {
    let window = FileWindow(0..<100, sink: Target().sink)
    _ = accept(window, [UInt8](repeating: 0, count: 60), at: 0)
    #expect(!window.split(at: 50))
    #expect(window.split(at: 80))
    #expect(!window.split(at: 90))
    #expect(accept(window, [UInt8](repeating: 0, count: 40), at: 60) == .full)
    #expect(window.written == 80)
    window.extend(to: 90)
    #expect(!window.isFull)
  }

  @Test("chunks that come at the same time from two threads are written one after the other")
  func writesInTurn() async {
    let inside = Atomic(0)
    let overlaps = Atomic(0)
    let window = FileWindow(0..<2_000) { _, _ in
      if inside.add(1, ordering: .relaxed).newValue > 1 { overlaps.add(1, ordering: .relaxed) }
      for _ in 0..<20 { sched_yield() }
      inside.subtract(1, ordering: .relaxed)
      return 0
    }
    await withTaskGroup { group in
      for _ in 0..<2 {
        group.addTask {
          while case .more = accept(window, [1], at: window.written) {}
        }
      }
    }
    let overlapped = overlaps.load(ordering: .relaxed)
    #expect(window.isFull && overlapped == 0)
  }

  @Test("a sealed window takes nothing more")
  func seals() {
    let target = Target()
    let window = FileWindow(0..<10, sink: target.sink)
    _ = accept(window, [1], at: 0)
    window.seal()
    #expect(accept(window, [2], at: 1) == .full)
    #expect(target.log.all.count == 1)
  }

  @Test("a place beyond all numbers takes nothing")
  func beyondNumbers() {
    let window = FileWindow(0..<10) { _, _ in 0 }
    #expect(accept(window, [1, 2, 3], at: .max - 1) == .more)
    #expect(window.written == 0)
  }

  @Test("a failed write is reported and not counted")
  func reportsFailure() {
    let window = FileWindow(0..<10) { _, _ in 28 }
    #expect(accept(window, [1], at: 0) == .failed(28))
    #expect(window.written == 0)
  }
}
