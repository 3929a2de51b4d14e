import Simulation
import Testing
import Tuning

@Suite("Trials of verdicts")
struct VerdictTrialTests {
  static let link = LinkModel(
    name: "line", bandwidth: 6_000_000, roundTrip: 0.02, buffer: 300_000)
  static let image = ImageModel(name: "three", blobs: [6_000_000, 3_000_000, 1_000_000])

  @Test(
    "what a pull's time goes with is what limits it, and is said",
    arguments: [
      (.plain, .line), (.limitRate, .limitRate), (.disk, .disk),
    ] as [(VerdictTrial.Setting, PullRecord.Limit)])
  func truths(setting: VerdictTrial.Setting, limit: PullRecord.Limit) throws {
    let outcome = try #require(
      VerdictTrial.judge(Self.link, Self.image, setting, length: 4.5, isWarm: false, seed: 1))
    #expect(outcome.weights[limit] ?? 0 > 0.6)
    #expect(outcome.verdict.word == limit.rawValue)
    #expect(outcome.isRight)
    #expect(outcome.truth == limit.rawValue)
  }

  @Test("settings take turns over links, each beside a plain pull, cold and warm")
  func cells() {
    let cells = VerdictTrial.cells(
      [Self.link, Self.link], [Self.image], lengths: [4, 15], seeds: [1])
    #expect(cells.count == 16)
    #expect(VerdictTrial.cells([Self.link], [], lengths: [4], seeds: [1]).isEmpty)
  }
}
