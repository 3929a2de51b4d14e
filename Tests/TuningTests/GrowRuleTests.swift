import Testing

@testable import Tuning

@Suite("What a size is compared with")
struct GrowRuleTests {
  /// A first pull over 45 ms from a server that slows down beyond 10 requests: workers that carry data, and KiB,
  /// in each sample until those of the next size carry some.
  static let seen: [(carrying: Int, kibibytes: Double)] = [
    (0, 0), (0, 1), (0, 0), (0, 0), (11, 108), (13, 48), (13, 587), (13, 897), (12, 1_845),
  ]

  @Test("grow: what a size brought is looked at once more while newcomers are on their way")
  func looksOnceMore() throws {
    var policy = ClimbPolicy(maximum: 64)
    var bytes: Int64 = 0
    let left: Int64 = 160_000_000
    var size = policy.start(Opening(bytes: left, blobs: 5, roundTripSeconds: 0.045)).poolSize
    for (index, one) in Self.seen.enumerated() {
      bytes += Int64(one.kibibytes * 1_024)
      let readings = Readings(
        roundTripSeconds: Array(repeating: 0.0455, count: max(1, one.carrying)),
        smallestRoundTripSeconds: 0.045)
      let sample = Sample(
        now: Moment(seconds: 0.05 * Double(index + 1)), poolSize: size, open: size,
        carrying: one.carrying, bytesDone: bytes, bytesLeft: left - bytes, readings: readings)
      size = policy.observe(sample).poolSize
    }
    #expect(size == 26)
    // When the size was chosen it was 48 KiB in a sample, against which any size is a gain.
    let first = try #require(policy.climb.levels.first { $0.poolSize == 13 })
    let later = Double(48 + 587 + 897 + 1_845) * 1_024 / 0.2
    #expect(abs(first.rate - later) < 1_024)
  }

  @Test("keep: a rate that is still changing is nothing to compare fewer with")
  func comparesFewerWithWhatStays() {
    // After slow start on a lossy line.
    var policy = ClimbPolicy(maximum: 64)
    policy.pool.set(16, now: .zero)
    policy.phase = .holding(Hold(rate: 40e6, since: .zero))
    policy.climb.isFlat = true
    policy.climb.peak = 40e6
    policy.proposals.patience = MoreRule.settledPatience
    var drive = Drive(policy)
    drive.policy = policy
    drive.decision = PoolDecision(poolSize: 16, reason: "")
    drive.run(1.2, rate: { Double($0) * 1.2e6 }, queue: { _ in 0 })
    #expect(drive.sizes.dropFirst().allSatisfy { $0 >= 16 }, "\(drive.sizes)")
    #expect(drive.reasons.contains { $0.contains("not what it was") }, "\(drive.reasons)")
  }

  @Test("harm: one long round trip does not hide that more were slower", arguments: 6...16)
  func findsHarmBehindASpike(at spike: Int) {
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.05)
    drive.left = 25_000_000
    for sample in 1...60 {
      drive.run(
        0.05, roundTrip: 0.05, rate: ClimbRuleTests.overloaded(beyond: 8, slope: 0.1),
        queue: { _ in sample == spike ? 0.01 : 0 })
    }
    #expect(drive.decision.poolSize < 14, "\(drive.reasons)")
    let first = drive.reasons.first { $0.contains("slower") || $0.contains("brought nothing") }
    #expect(first?.contains("slower") ?? false, "\(drive.reasons)")
  }
}
