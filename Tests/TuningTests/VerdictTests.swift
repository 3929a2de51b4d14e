import Testing

@testable import Tuning

@Suite("Verdicts")
struct VerdictTests {
  /// A pull of 20 s over a way of 20 ms whose 16 workers brought what 8 did, with nothing full.
  static func evidence(_ change: (inout PullEvidence) -> Void = { _ in }) -> PullEvidence {
    var evidence = PullEvidence()
    evidence.seconds = 20
    evidence.flowing = 20
    evidence.bytes = 200_000_000
    evidence.roundTrip = 0.02
    evidence.spread = 0.2
    evidence.disorder = 0
    evidence.levels = levels([8: 10, 16: 10])
    change(&evidence)
    return evidence
  }

  /// Megabytes a second by connections; most of the time is the last one's.
  static func levels(_ rates: KeyValuePairs<Int, Double>, others: Double = 1.5)
    -> [PullEvidence.Level]
  {
    rates.enumerated().map { index, level in
      let seconds = index == rates.count - 1 ? 15.0 : others
      return .init(
        connections: Double(level.key), seconds: seconds, bytes: level.value * 1e6 * seconds)
    }
  }

  typealias Case = (what: String, change: @Sendable (inout PullEvidence) -> Void, says: String)

  static let cases: [Case] = [
    ("a plateau without a queue", { _ in }, "server"),
    ("a queue", { $0.shares.queue = 0.9 }, "line"),
    ("a plateau whose packets are dropped", { $0.disorder = 8 }, "line"),
    ("a plateau with some losses", { $0.disorder = 1 }, "notClear"),
    ("a plateau with a queue now and then", { $0.shares.queue = 0.3 }, "line"),
    (
      "equal connections in proportion",
      {
        $0.levels = levels([8: 5, 16: 10])
        $0.spread = 0.01
      }, "perConnection"
    ),
    (
      "unequal connections in proportion", { $0.levels = levels([8: 5, 16: 10]) }, "notClear"
    ),
    (
      "bursts",
      {
        $0.shares.bursts = 0.8; $0.levels = levels([16: 10])
      }, "perConnection"
    ),
    (
      "losses in proportion, at the most workers",
      {
        $0.levels = levels([8: 5, 64: 38])
        $0.disorder = 2
        $0.shares.atMost = 0.9
      }, "notClear"
    ),
    ("one size alone", { $0.levels = levels([16: 10]) }, "notClear"),
    (
      "equal connections of one size",
      {
        $0.levels = levels([16: 10])
        $0.spread = 0.01
      }, "notClear"
    ),
    (
      "one size, which earlier pulls saw gain",
      {
        $0.levels = levels([16: 10])
        $0.spread = 0.01
        $0.earlier = levels([8: 5, 16: 10])
      }, "perConnection"
    ),
    (
      "one size, on a way that was another earlier",
      {
        $0.levels = levels([16: 10])
        $0.spread = 0.01
        $0.earlier = levels([8: 20, 16: 40])
      }, "notClear"
    ),
    (
      "more that were slower",
      { $0.levels = [.init(connections: 30, seconds: 1, bytes: 7e6)] + levels([8: 10]).reversed() },
      "overload"
    ),
    (
      "a rate that rises, and falls beyond the best number",
      { $0.levels = levels([17: 6.9, 8: 11, 2: 3, 6: 8.7], others: 2) }, "overload"
    ),
    (
      "most of the time with too many",
      { $0.levels = levels([2: 3, 8: 11, 17: 6.9], others: 2) }, "overload"
    ),
    (
      "a fall behind what looks like a queue",
      {
        $0.levels = levels([8: 11, 17: 6.9], others: 2)
        $0.shares.queue = 0.7
      }, "overload"
    ),
    (
      "a short fall behind a queue",
      {
        $0.levels = levels([8: 11, 17: 6.9]); $0.shares.queue = 0.7
      }, "line"
    ),
    (
      "a rise and a fall while packets are lost",
      {
        $0.levels = levels([17: 6.9, 8: 11, 2: 3, 6: 8.7], others: 2)
        $0.disorder = 1
      }, "notClear"
    ),
    (
      "refusals",
      {
        $0.refusals = 9; $0.shares.atServed = 0.9
      }, "refusals"
    ),
    (
      "one refusal long ago",
      {
        $0.refusals = 1; $0.shares.atServed = 0.1
      }, "server"
    ),
    ("a busy CPU", { $0.shares.cpu = 0.8 }, "cpu"),
    (
      "a slow disk",
      {
        $0.shares.disk = 0.7; $0.shares.cpu = 0.2
      }, "disk"
    ),
    (
      "waiting for first bytes",
      {
        $0.shares.asking = 0.7; $0.levels = levels([16: 10])
      }, "roundTrips"
    ),
    (
      "a sender that doles out, whose pauses look like a queue",
      {
        $0.roundTrip = 0.00005
        $0.queueSeconds = 0.014
        $0.shares.queue = 0.96
        $0.levels = levels([16: 4.7, 64: 19])
        $0.spread = 0.08
      }, "perConnection"
    ),
    (
      "the same for all connections together",
      {
        $0.roundTrip = 0.00005
        $0.queueSeconds = 0.005
        $0.shares.queue = 0.96
      }, "server"
    ),
    (
      "a queue of senders that lose nothing, over a long way",
      {
        $0.roundTrip = 0.1
        $0.queueSeconds = 0.35
        $0.shares.queue = 0.96
      }, "line"
    ),
    (
      "a user's rate, in a short pull",
      {
        $0.flowing = 1
        $0.bytes = 10_000_000
        $0.limits.bytesPerSecond = 10_000_000
      }, "limitRate"
    ),
    (
      "the user's rate",
      {
        $0.limits.bytesPerSecond = 10.2e6; $0.shares.queue = 0.9
      }, "limitRate"
    ),
    ("a user's rate far above", { $0.limits.bytesPerSecond = 40e6 }, "server"),
    (
      "the user's workers, in proportion",
      {
        $0.levels = levels([8: 5, 16: 10])
        $0.limits = PullLimits(workers: 16, origin: .user)
        $0.shares.atMost = 0.9
      }, "maxWorkers"
    ),
    (
      "the user's workers, on a plateau",
      {
        $0.limits = PullLimits(workers: 16, origin: .user)
        $0.shares.atMost = 0.9
      }, "server"
    ),
    (
      "the user's workers, equal, with nothing to compare them to",
      {
        $0.levels = levels([8: 4])
        $0.limits = PullLimits(workers: 8, origin: .user)
        $0.shares.atMost = 1
        $0.spread = 0.02
      }, "notClear"
    ),
    (
      "the user's workers of a server that counts by the second",
      {
        $0.limits = PullLimits(workers: 16, origin: .fixed)
        $0.shares.atMost = 1
        $0.shares.bursts = 0.9
      }, "maxWorkers"
    ),
    (
      "two seconds over a long way",
      {
        $0.flowing = 4; $0.roundTrip = 0.2
      }, "tooShort"
    ),
    ("no bytes at all", { $0 = PullEvidence() }, "tooShort"),
  ]

  @Test(
    "what is named is what the evidence bears out, and nothing else is", arguments: cases.indices)
  func names(index: Int) {
    let one = Self.cases[index]
    #expect(Verdict(Self.evidence(one.change)).word == one.says, "\(one.what)")
  }

  @Test("numbers of any kind end in a verdict or in none")
  func anyNumbers() {
    let odd: [Double] = [0, -1, .nan, .infinity, -.infinity, 1e300, 1e-300]
    for value in odd {
      let evidence = Self.evidence {
        $0.spread = value
        $0.disorder = value
        $0.roundTrip = value
        $0.levels = [
          .init(connections: value, seconds: value, bytes: value),
          .init(connections: 8, seconds: 3, bytes: value),
        ]
        $0.shares.queue = value
        $0.flowing = value
      }
      #expect(!Verdict(evidence).word.isEmpty)
    }
  }
}
