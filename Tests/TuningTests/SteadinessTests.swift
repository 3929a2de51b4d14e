import Testing

@testable import Tuning

@Suite("Steadiness")
struct SteadinessTests {
  /// Windows that a look needs after 10 s of a rate that differs in each window of 0.2 s.
  static func windowsNeeded(carrying: Int = 4, rate: (Int) -> Double) -> Double {
    var steadiness = Steadiness()
    var bytes = Int64(0)
    for step in 0..<200 {
      bytes += Int64(rate((step + 3) / 4) * 0.05)
      steadiness.observe(
        Sample(
          now: Moment(seconds: Double(step) * 0.05), poolSize: 4, open: 4, carrying: carrying,
          bytesDone: bytes, bytesLeft: 1_000_000_000), window: 0.2)
    }
    return steadiness.windowsNeeded
  }

  @Test("a rate that stays as it is, or only rises, needs no more than one window")
  func steady() {
    #expect(Self.windowsNeeded { _ in 1e6 } == 0)
    #expect(Self.windowsNeeded { 1e5 * Double($0 + 1) } == 0)
  }

  @Test(
    "a rate that varies needs more windows, and four times as many where it varies twice as much")
  func varying() {
    let little = Self.windowsNeeded { $0 % 2 == 0 ? 1.05e6 : 0.95e6 }
    let much = Self.windowsNeeded { $0 % 2 == 0 ? 1.1e6 : 0.9e6 }
    #expect((0.4...0.6).contains(little))
    #expect((3.8...4.2).contains(much / little))
  }

  @Test("one fall, however deep, is soon forgotten")
  func fall() {
    #expect(Self.windowsNeeded { $0 < 10 ? 1e7 : 1e5 } < 1)
  }

  @Test("workers that do not carry data yet say nothing")
  func notSettled() {
    #expect(Self.windowsNeeded(carrying: 2) { $0 % 2 == 0 ? 2e6 : 1e6 } == 0)
  }
}
