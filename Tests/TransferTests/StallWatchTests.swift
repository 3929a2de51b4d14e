import Testing
import Transfer

@testable import CurlTransfer

@Suite("Stall watch")
struct StallWatchTests {
  @Test("of a turn counts what came after it was first looked at, without what the disk took")
  func turns() throws {
    let clock = NetworkClock()
    let url = try RemoteURL("https://registry.zoo.test/v2/")
    var watch = StallWatch(TransferRequest(.get, url), TransferSettings(), clock)
    let start = clock.now
    let first = watch.seconds(inTurn: 1)
    pass(0.01, on: clock)
    clock.disk { pass(0.1, on: clock) }
    let seconds = watch.seconds(inTurn: 1)
    let whole = clock.now - start
    #expect(first == 0 && seconds > 0.009, "\(first), \(seconds)")
    #expect(seconds < whole - 0.099, "the disk's share of \(whole) s is none of \(seconds) s")
    let next = watch.seconds(inTurn: 2)
    #expect(next == 0)
  }

  @Test("a body that only explains something has five seconds, however it trickles")
  func words() throws {
    let clock = NetworkClock()
    let url = try RemoteURL("https://registry.zoo.test/v2/")
    var watch = StallWatch(TransferRequest(.get, url), TransferSettings(), clock)
    let before = clock.networkNow
    watch.restart(for: .beginning(limit: 64 << 10))
    let start = clock.networkNow
    // A byte each tenth of a second.
    let end = (1...200).first { watch.isStalled(bytes: Int64($0), at: start + Double($0) / 10) }
    let seconds = Double(try #require(end)) / 10
    // It was restarted between two looks at the clock, and a busy machine may let time pass between them.
    #expect(seconds <= 5.6 && seconds + (start - before) >= 5, "\(seconds)")
    // A document that comes as slowly as documents may has longer.
    watch.restart(for: .memory(limit: 64 << 10))
    #expect(
      !(1...200).contains { watch.isStalled(bytes: 500 * Int64($0), at: start + Double($0) / 10) })
  }

  private func pass(_ seconds: Double, on clock: NetworkClock) {
    let end = clock.now + seconds
    while clock.now < end {}
  }
}
