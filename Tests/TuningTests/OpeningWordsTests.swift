import Testing

@testable import Tuning

@Suite("Why a pool opens with its size")
struct OpeningWordsTests {
  private static let long: Int64 = 1 << 40

  private func opened(
    _ prior: Prior?, bytes: Int64 = long, blobs: Int = 1, trip: Double? = 0.04, maximum: Int = 64
  ) -> String {
    var policy = ClimbPolicy(maximum: maximum, prior: prior)
    let decision = policy.start(Opening(bytes: bytes, blobs: blobs, roundTripSeconds: trip))
    return "\(decision.poolSize): \(decision.reason)"
  }

  @Test("on a new path it is what the size came from: round trip, small blobs, image, a bound")
  func newPath() {
    #expect(opened(nil) == "12: this path is new; as many as suit a round trip of 40 ms")
    #expect(
      opened(nil, trip: 0.0002)
        == "4: this path is new; as many as suit a round trip of less than 1 ms")
    #expect(opened(nil, trip: nil) == "14: this path is new, and its round trip unknown")
    #expect(
      opened(nil, bytes: 10 << 20, blobs: 100, trip: 0.0002)
        == "14: this path is new; as many as suit small blobs and a round trip of less than 1 ms")
    #expect(
      opened(nil, bytes: 200_000, trip: 0.04)
        == "6: this path is new; as many as suit an image this small")
    #expect(
      opened(nil, trip: 0.4)
        == "36: this path is new; no more than 36 are opened where nothing is measured")
    #expect(
      opened(nil, maximum: 1)
        == "1: this path is new; as many as suit a round trip of 40 ms; no more than 1 is allowed")
  }

  @Test("what others have seen is said to be theirs, and what it is cut to")
  func hints() throws {
    for (size, cut) in [(14, ""), (30, "; no more than 16 are opened because of that")] {
      var prior = try #require(EstimateTests.measured([(2, 2e6), (size, 9e6), (40, 9e6)]))
      prior.isOwn = false
      #expect(
        opened(prior) == "\(min(16, size)): this path is new; others, or from elsewhere, were "
          + "fastest with \(size)\(cut)")
    }
  }

  @Test("a pull that opens with another number than the fastest says why")
  func otherNumber() throws {
    let prior = try #require(EstimateTests.measured([(2, 2e6), (4, 4e6), (8, 4e6), (16, 4e6)]))
    let best = "earlier pulls from here were fastest with 4"
    #expect(opened(prior) == "4: \(best)")
    #expect(opened(prior, bytes: 5_000_000) == "12: \(best); more for a pull this short")
    #expect(opened(prior, maximum: 2) == "2: \(best); no more than 2 are allowed")
    #expect(
      opened(prior, bytes: 5_000_000, maximum: 6)
        == "6: \(best); more for a pull this short; no more than 6 are allowed")
    let gaining = try #require(EstimateTests.measured([(6, 6e6), (12, 12e6)]))
    let still = "earlier pulls from here were still getting faster at 12"
    #expect(opened(gaining) == "24: \(still)")
    #expect(opened(gaining, maximum: 8) == "8: \(still); no more than 8 are allowed")
  }

  @Test("where one number was measured it is not called the fastest")
  func onlyOne() throws {
    let prior = try #require(EstimateTests.measured([(10, 9e6)]))
    #expect(
      opened(prior) == "10: earlier pulls from here had 10, and no other number was measured")
  }

  @Test("pulls that measured nothing do not make a path new")
  func nothingMeasured() {
    #expect(
      opened(Prior(points: [], idleRoundTripSeconds: 0.04))
        == "12: earlier pulls from here measured nothing; as many as suit a round trip of 40 ms")
    var hint = Prior(points: [], isOwn: false)
    hint.wasSeen = true
    #expect(opened(hint).hasPrefix("12: earlier pulls from here measured nothing; as many"))
    #expect(
      opened(Prior(points: [], idleRoundTripSeconds: 0.04, ceiling: 5)).hasSuffix(
        "a round trip of 40 ms; the server refused more than 5"))
  }
}
