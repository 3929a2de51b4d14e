import Testing

@testable import Tuning

/// Fewer workers than earlier pulls had, pull by pull, where something that all of them share was full.
@Suite("Known paths")
struct KnownPathTests {
  static func prior(_ rates: [Int: Double], _ limit: PullRecord.Limit?, weight: Double = 5)
    -> Prior
  {
    var prior = Prior(
      points: rates.map {
        Prior.Point(poolSize: $0.key, logRate: log($0.value), variance: 0.01, weight: weight)
      })
    prior.limitedBy = limit
    return prior
  }

  @Test(
    "what is tried next is smaller, until one is too few: then between the two",
    arguments: [
      ([36: 10e6], 22), ([36: 10e6, 22: 10e6], 14), ([36: 10e6, 14: 10e6, 9: 10e6], 6),
      // Nine were too few.
      ([36: 10e6, 14: 10e6, 9: 5e6], 12), ([14: 10e6, 11: 5e6], nil),
      // So few are few enough, and fewer than these would be slower still.
      ([36: 10e6, 5: 10e6], nil), ([36: 10e6, 14: 9.75e6], nil),
    ] as [([Int: Double], Int?)])
  func untried(rates: [Int: Double], expected: Int?) throws {
    let known = try #require(KnownPath(Self.prior(rates, .line)))
    #expect(known.untried == expected)
  }

  @Test(
    "only what all workers share can be filled by fewer", arguments: PullRecord.Limit.allCases)
  func limits(limit: PullRecord.Limit) throws {
    let known = try #require(KnownPath(Self.prior([36: 10e6], limit)))
    #expect((known.untried != nil) == [.line, .server, .cpu, .disk].contains(limit))
    #expect(try #require(KnownPath(Self.prior([36: 10e6], nil))).untried == nil)
  }

  @Test("a moment's rate makes a size neither the best nor enough where others were held")
  func moments() throws {
    var prior = Self.prior([32: 10e6], nil)
    prior.points.insert(
      Prior.Point(poolSize: 11, logRate: log(12e6), variance: 0.01, weight: 0.5), at: 0)
    #expect(try #require(KnownPath(prior)).poolSize == 32)
    let brief = Self.prior([11: 12e6, 32: 10e6], nil, weight: 0.5)
    #expect(try #require(KnownPath(brief)).poolSize == 11)
  }

  @Test("fewer that fill a line are kept, and are what the next pull begins with")
  func keepsFewer() {
    var drive = Drive(ClimbPolicy(maximum: 64, prior: Self.prior([36: 10e6], .line)))
    #expect(drive.decision.poolSize == 36)
    drive.run(4, rate: { _ in 10e6 }, queue: { _ in 0.05 })
    #expect(drive.decision.poolSize == 22)
    #expect(drive.reasons.contains { $0.contains("22 workers may be enough") })
  }

  @Test("fewer that bring less are taken back")
  func takesBack() {
    var drive = Drive(ClimbPolicy(maximum: 64, prior: Self.prior([36: 10e6], .server)))
    drive.run(6, rate: { Double(min($0, 30)) * 10e6 / 30 }, queue: { _ in 0 })
    #expect(drive.sizes.contains(22))
    #expect(drive.decision.poolSize >= 36)
  }

  @Test("nothing is tried in a pull that is over before it would pay")
  func notInShortPulls() {
    var drive = Drive(ClimbPolicy(maximum: 64, prior: Self.prior([36: 10e6], .line)))
    drive.left = 50_000_000
    drive.run(4, rate: { _ in 10e6 }, queue: { _ in 0.05 })
    #expect(drive.sizes.allSatisfy { $0 == 36 })
  }

  @Test("a line that was full and is not is no reason to try fewer")
  func notFullNow() {
    var drive = Drive(ClimbPolicy(maximum: 64, prior: Self.prior([36: 10e6], .line)))
    drive.run(4, rate: { Double($0) * 10e6 / 36 }, queue: { _ in 0 })
    #expect(drive.sizes.allSatisfy { $0 == 36 })
  }

  @Test("a pool that may not have as many as were enough tries nothing by their number")
  func belowKnown() {
    var drive = Drive(ClimbPolicy(maximum: 20, prior: Self.prior([36: 10e6], .line)))
    drive.run(4, rate: { _ in 10e6 }, queue: { _ in 0.05 })
    #expect(drive.sizes.allSatisfy { $0 == 20 })
    #expect(!drive.reasons.contains { $0.contains("no earlier pull had so few") })
  }

  @Test("what limited the last pull that could say is remembered")
  func remembers() throws {
    var memory = PathMemory()
    for (index, limit) in [PullRecord.Limit.line, nil, .server, nil].enumerated() {
      let epoch = Epoch(poolSize: 4, startedAt: 0, seconds: 2, bytes: 1_000_000)
      memory.learn(
        PullRecord(seconds: 2, bytes: 1_000_000, epochs: [epoch], limitedBy: limit),
        at: Double(index))
      let expected: PullRecord.Limit = index < 2 ? .line : .server
      #expect(memory.prior(at: Double(index))?.limitedBy == expected)
    }
  }
}
