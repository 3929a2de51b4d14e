@testable import Scheduling
import Testing
import Tuning

/// Connections that crawl beside others.
@Suite("Stragglers")
struct StragglerTests {
  @Test(
    "one is behind by comparison with the others, and only where another request would pay",
    arguments: [
      // The case that was met: 20 KB/s beside 2 MB/s, two workers.
      (2e4, [2e6], 6_000_000, 0.1, true),
      // All alike, fast or slow.
      (2e6, [2e6, 2e6], 6_000_000, 0.1, false), (2e4, [2e4, 2e4, 2e4], 6_000_000, 0.1, false),
      (0, [0, 0], 6_000_000, 0.1, false),
      // Unlike, as connections that share a line are.
      (1e6, [2e6, 3e6, 5e6], 6_000_000, 0.1, false), (3e5, [2e6, 2e6], 6_000_000, 0.1, false),
      // One that is fast makes no stragglers of all others.
      (1e5, [1e5, 1e5, 9e6], 6_000_000, 0.1, false), (1e5, [1e5, 9e6], 6_000_000, 0.1, false),
      // Half of them are slow.
      (2e4, [2e4, 2e6, 2e6], 6_000_000, 0.1, true),
      // Nothing to compare with.
      (2e4, [], 6_000_000, 0.1, false),
      // It is nearly there.
      (2e4, [2e6], 20_000, 0.1, false), (2e4, [2e6], 0, 0.1, false),
      // A request costs more than is left.
      (2e4, [2e6], 200_000, 4, false),
      // Nothing comes at all.
      (0, [2e6, 2e6], 1_000_000, 0.1, true),
    ] as [(Double, [Double], Int64, Double, Bool)])
  func rule(
    rate: Double, others: [Double], owed: Int64, requestSeconds: Double, isBehind: Bool
  ) {
    let typical = StragglerRule.typical(of: (others + [rate]).sorted(), without: rate)
    #expect(typical == (others.isEmpty ? nil : others.sorted()[(others.count - 1) / 2]))
    let found = typical.map {
      StragglerRule.isBehind(
        rate: rate, typical: $0, owed: owed, requestSeconds: requestSeconds)
    }
    #expect((found ?? false) == isBehind)
  }

  @Test("few are given up where nothing ends well, and more where much does")
  func allowance() {
    var rule = StragglerRule()
    for (ends, taken) in [(0, 2), (7, 0), (1, 1), (1_000, 4)] {
      for _ in 0..<ends { rule.noteEnd() }
      let leaves = (0..<10).map { _ in rule.take() }
      #expect(leaves.count { $0 } == taken, "after \(ends) ends")
    }
  }

  /// A pull of 60 MB in which some connections crawl.
  static func network(workers: Int, slow: @escaping (Int) -> Bool, rate: Double = 2e6)
    -> FakeNetwork
  {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: workers)) { _, count in
      .good(rate: slow(count) ? rate / 100 : rate)
    }
    for _ in 0..<3 { network.add(20_000_000) }
    network.run()
    return network
  }

  @Test("one slow connection of few is replaced in the middle of a pull", arguments: [2, 3, 6])
  func replaced(workers: Int) {
    let one = Self.network(workers: workers, slow: { $0 == 1 })
    let none = Self.network(workers: workers, slow: { _ in false })
    #expect(one.complete.count == 3)
    #expect(one.now < none.now + 8, "\(one.now) s in place of \(none.now) s")
    let first = one.made[0]
    #expect(one.cancelled.contains(first.request))
  }

  @Test("where all are equally slow, or every second one is, hardly any is given up")
  func spared() {
    let slow = Self.network(workers: 4, slow: { _ in false }, rate: 2e4)
    #expect(slow.complete.count == 3 && slow.cancelled.isEmpty)
    let half = Self.network(workers: 8, slow: { $0 % 2 == 0 })
    #expect(half.complete.count == 3)
    #expect(half.cancelled.count <= 2 + half.made.count / 4)
  }
}
