import Pull
import Testing
import Tuning

@Suite("Verdicts in words")
struct VerdictWordsTests {
  /// A pull of 20 s over a way of 20 ms, 10 MiB/s with 16 connections.
  static func evidence(_ change: (inout PullEvidence) -> Void) -> PullEvidence {
    var evidence = PullEvidence()
    evidence.flowing = 20
    evidence.bytes = 200 << 20
    evidence.roundTrip = 0.02
    evidence.spread = 0.2
    evidence.disorder = 0
    evidence.levels = [level(8, 10), level(16, 10, seconds: 15)]
    change(&evidence)
    return evidence
  }

  static func level(_ connections: Double, _ rate: Double, seconds: Double = 2)
    -> PullEvidence.Level
  {
    .init(connections: connections, seconds: seconds, bytes: rate * seconds * 1_048_576)
  }

  typealias Case = (change: @Sendable (inout PullEvidence) -> Void, words: String?)

  static let cases: [Case] = [
    (
      {
        $0.shares.queue = 0.9
        $0.queueSeconds = 0.045
      }, "the line: 10.0 MiB/s, whether 8 or 16 connections"
    ),
    (
      {
        $0.shares.queue = 0.9
        $0.queueSeconds = 0.045
        $0.levels = [level(1, 11.8, seconds: 15)]
      }, "the line: 11.8 MiB/s with 1 connection; packets waited 45 ms in front of it"
    ),
    (
      {
        $0.levels = [level(8, 8), level(64, 64, seconds: 15)]
        $0.spread = 0.01
        $0.shares.atMost = 0.9
      },
      "the server's limit per connection: each brought 1.0 MiB/s, whether 8 or 64; "
        + "more than --max-workers 64 may bring more"
    ),
    (
      { _ in },
      "the server's limit for all connections: 10.0 MiB/s, whether 8 or 16 connections, "
        + "and no queue on the line"
    ),
    (
      { $0.levels = [level(8, 12, seconds: 15), level(24, 7.1)] },
      "an overloaded server or path: 12.0 MiB/s with 8 connections, 7.1 MiB/s with 24 connections"
    ),
    (
      {
        $0.refusals = 23
        $0.servedAtRefusal = 6
        $0.shares.atServed = 1
      }, "the server's limit of requests: 23 were refused for load while it served 6"
    ),
    ({ $0.limits.bytesPerSecond = 10_485_760 }, "your --limit-rate of 10.0 MiB/s"),
    (
      {
        $0.levels = [level(8, 10), level(16, 19, seconds: 15)]
        $0.limits = PullLimits(workers: 16, origin: .user)
        $0.shares.atMost = 0.9
      }, "your --max-workers 16: 16 connections brought 90 % more than 8; try more"
    ),
    (
      {
        $0.levels = [level(8, 8, seconds: 15)]
        $0.limits = PullLimits(workers: 8, origin: .fixed)
        $0.shares.atMost = 1
        $0.shares.bursts = 0.9
      }, "your --workers 8: nothing was full; try more"
    ),
    ({ $0.shares.cpu = 0.97 }, "this machine's CPU: no time was left in 97 % of the pull"),
    ({ $0.shares.disk = 0.93 }, "this disk: writing took all the time in 93 % of the pull"),
    (
      {
        $0.levels = [level(16, 10)]
        $0.shares.asking = 0.6
        $0.firstByteSeconds = 0.021
      }, "round trips: small blobs, whose requests waited 60 % of their time for a first byte"
    ),
    (
      {
        $0.levels = [level(16, 10)]
        $0.shares.asking = 0.6
        $0.firstByteSeconds = 1.26
      },
      "the server's answers: it takes 1.3 s to answer each request, which was 60 % of their time"
    ),
    ({ $0.levels = [level(16, 10)] }, nil),
  ]

  @Test("a verdict says its evidence in one sentence, rates in MiB/s", arguments: cases.indices)
  func says(index: Int) {
    let one = Self.cases[index]
    #expect(Verdict(Self.evidence(one.change)).words == one.words)
  }

  @Test("numbers for programs are those that are known")
  func numbers() {
    let verdict = Verdict(Self.evidence { $0.disorder = nil })
    #expect(verdict.numbers["bytesPerSecond"] == 10_485_760)
    #expect(verdict.numbers["connections"] == 16)
    #expect(verdict.numbers["disordersPerSecond"] == nil)
  }
}
