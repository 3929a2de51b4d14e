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

  private func pass(_ seconds: Double, on clock: NetworkClock) {
    let end = clock.now + seconds
    while clock.now < end {}
  }
}
