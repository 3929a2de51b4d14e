import Testing

@testable import Tuning

@Suite("Rules of growth, over a server whose buffers hide that it slows down")
struct GrowRuleTests {
  /// A first pull over 45 ms from a server that slows down beyond 10 requests, which went on to 64 workers
  /// half a second later: workers that carry data, and KiB, in each sample.
  static let seen: [(carrying: Int, kibibytes: Double)] = [
    (0, 0), (0, 1), (0, 0), (0, 0), (11, 108), (13, 48), (13, 587), (13, 897), (12, 1_845),
    (25, 2_167), (26, 2_668), (26, 829), (24, 1_165), (25, 1_025), (26, 906), (26, 910), (26, 900),
    (26, 905), (26, 895),
  ]

  /// What is decided at each of the samples.
  private func decisions() throws -> (sizes: [Int], policy: ClimbPolicy) {
    var policy = ClimbPolicy(maximum: 64)
    var bytes: Int64 = 0
    let left: Int64 = 160_000_000
    var size = policy.start(
      Opening(bytes: left, blobs: 5, roundTripSeconds: 0.045)
    ).poolSize
    var sizes = [size]
    for (index, one) in Self.seen.enumerated() {
      bytes += Int64(one.kibibytes * 1_024)
      let readings = Readings(
        roundTripSeconds: Array(repeating: 0.0455, count: max(1, one.carrying)),
        smallestRoundTripSeconds: 0.045)
      let sample = Sample(
        now: Moment(seconds: 0.05 * Double(index + 1)), poolSize: size, open: size,
        carrying: one.carrying, bytesDone: bytes, bytesLeft: left - bytes, readings: readings)
      size = policy.observe(sample).poolSize
      sizes.append(size)
    }
    return (sizes, policy)
  }

  @Test("grow: a size is judged when what a server had in its buffers is over")
  func waitsForBuffers() throws {
    let sizes = try decisions().sizes
    #expect(sizes.contains(26) && sizes.allSatisfy { $0 <= 26 }, "\(sizes)")
  }

  @Test("grow: what a size brought is looked at once more while newcomers are on their way")
  func looksOnceMore() throws {
    let levels = try decisions().policy.climb.levels
    // Half a round trip after its first byte it was 48 KiB in a sample, and later 1,371.
    let first = try #require(levels.first { $0.poolSize == 13 })
    #expect(abs(first.rate - 1_371 * 1_024 / 0.05) < 1_024 / 0.05)
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
