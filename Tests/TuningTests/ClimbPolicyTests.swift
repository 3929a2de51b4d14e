import Testing

@testable import Tuning

@Suite("The climb")
struct ClimbPolicyTests {
  @Test(
    "opens by the round trip",
    arguments: [(0.001, 4), (0.02, 8), (0.08, 20), (0.15, 34), (1.0, 36)])
  func opens(roundTrip: Double, expected: Int) {
    #expect(Drive(ClimbPolicy(maximum: 64), roundTrip: roundTrip).decision.poolSize == expected)
  }

  @Test("never exceeds its maximum, nor falls below one")
  func staysInBounds() {
    var drive = Drive(ClimbPolicy(maximum: 5))
    drive.run(20, rate: { Double($0) * 1e6 }, queue: { _ in 0 })
    #expect(drive.sizes.allSatisfy { (1...5).contains($0) })
    #expect(drive.decision.poolSize == 5)
  }

  @Test(
    "where each connection has its own rate, it climbs to where the line is full and stays near")
  func findsTheKnee() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(
      30, rate: { min(Double($0) * 1e6, 30e6) }, queue: { $0 > 30 ? 0.05 : 0 })
    // 30 connections fill it.
    #expect((28...40).contains(drive.decision.poolSize))
    #expect(drive.sizes.prefix(60).max() ?? 0 >= 30)
  }

  @Test("a line that one connection fills needs few: it goes down while the queue stands")
  func descendsPolitely() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(30, rate: { _ in 12e6 }, queue: { _ in 0.08 })
    #expect(drive.sizes.max() == 8)
    #expect(drive.decision.poolSize == 2)
    #expect(drive.decision.limit == .line)
  }

  @Test("more workers that are slower are taken back, and not tried again")
  func retreatsFromHarm() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(
      40, rate: { $0 <= 10 ? Double($0) * 3e6 : 30e6 / (1 + 0.15 * Double($0 - 10)) },
      queue: { _ in 0 })
    #expect((8...12).contains(drive.decision.poolSize))
    let late = drive.sizes.suffix(300)
    #expect(late.max() ?? 99 <= 12)
  }

  @Test("what only seemed to hurt is tried again: fewer workers were no faster")
  func withdrawsBlame() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    // Something else slows everything down just when the pool has grown.
    drive.run(0.5, rate: { Double($0) * 5e6 }, queue: { _ in 0 })
    drive.run(1.5, rate: { Double($0) * 0.5e6 }, queue: { _ in 0 })
    #expect(drive.sizes.contains { $0 >= 16 })
    drive.run(20, rate: { Double($0) * 0.5e6 }, queue: { _ in 0 })
    #expect(drive.decision.poolSize == 64)
    #expect(drive.decision.limit != .overload)
  }

  @Test("others on a full line: as many workers as they have, until they have left")
  func sharesTheLine() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(20, rate: { _ in 12e6 }, queue: { _ in 0.08 })
    #expect(drive.decision.poolSize == 2)
    // Eight workers of somebody else.
    drive.run(30, rate: { 12e6 * Double($0) / Double($0 + 8) }, queue: { _ in 0.08 })
    #expect(drive.decision.poolSize == ShareRule.size)
    // Fewer are tried again, rarely, and taken back each time.
    #expect(drive.sizes.suffix(400).count { $0 == ShareRule.size } > 350)
    drive.run(30, rate: { _ in 12e6 }, queue: { _ in 0.08 })
    #expect(drive.decision.poolSize == 2)
  }

  @Test("a refusal makes the number that was served the ceiling")
  func obeysRefusals() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(0.2, rate: { Double($0) * 1e6 }, queue: { _ in 0 })
    drive.run(
      20, refusals: [.init(at: .zero, served: 12, retryAfter: 1)],
      rate: { Double($0) * 1e6 }, queue: { _ in 0 })
    let ceiling = drive.sizes.suffix(200).max() ?? 0
    #expect((8...16).contains(ceiling))
    #expect(drive.decision.limit == .refusals || drive.decision.limit == .perConnection)
    #expect(drive.sizes.suffix(300).allSatisfy { $0 <= ceiling })
  }

  @Test(
    "a server that refuses what it served before has others to serve: half, then one more at times")
  func contends() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    let (rate, queue) = ({ (size: Int) in Double(size) * 1e6 }, { (_: Int) in 0.0 })
    drive.run(
      0.2, refusals: [.init(at: .zero, served: 12, retryAfter: 1)], rate: rate, queue: queue)
    drive.run(10, rate: rate, queue: queue)
    #expect(drive.decision.poolSize == 12)
    // Refusals of one burst count once.
    for _ in 0..<5 {
      drive.run(
        0.2, refusals: [.init(at: .zero, served: 11, retryAfter: 1)], rate: rate, queue: queue)
    }
    #expect(drive.decision.poolSize == 6)
    drive.run(30, rate: rate, queue: queue)
    #expect((8...9).contains(drive.decision.poolSize))
  }

  @Test("bytes in bursts with nothing between them mean room, whatever a moment's rate says")
  func growsThroughBursts() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    for second in 0..<16 {
      // A server that counts by the second sends at its beginning, then nothing.
      drive.run(0.05, rate: { Double($0) * 20e6 }, queue: { _ in second == 0 ? 0 : 0.03 })
      drive.run(0.95, rate: { _ in 0 }, queue: { _ in 0.03 })
    }
    #expect(drive.decision.poolSize == 64)
  }

  @Test("a slow start sends once in a round trip: those silences are no bursts")
  func toleratesSlowStart() {
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.15)
    for step in 0..<16 {
      drive.run(0.05, roundTrip: 0.15, rate: { Double($0 * step) * 1e5 }, queue: { _ in 0 })
      drive.run(0.1, roundTrip: 0.15, rate: { _ in 0 }, queue: { _ in 0 })
      #expect(!drive.decision.reason.contains("bursts"))
    }
  }

  @Test(
    "connections that would get going too late are not made",
    arguments: [(60_000_000 as Int64, false), (400_000_000, true)])
  func growsInTimeOnly(left: Int64, isLarger: Bool) {
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.15)
    drive.left = left
    drive.run(1.5, roundTrip: 0.15, rate: { Double($0) * 0.9e6 }, queue: { _ in 0 })
    #expect((drive.decision.poolSize > 34) == isLarger)
  }

  @Test("near the end, a queue that has just begun holds growth back until it has gone")
  func waitsForAMomentaryQueue() {
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.1)
    let opened = drive.decision.poolSize
    let rate = { (size: Int) in Double(size) * 1e6 }
    // Enough is left for a larger pool, but not for a mistake.
    drive.left = Int64(rate(opened) * 3)
    var quiet = drive
    quiet.run(0.3, roundTrip: 0.1, rate: rate, queue: { _ in 0 })
    #expect(quiet.decision.poolSize == 2 * opened)
    let grew = quiet.sizes.firstIndex { $0 > opened } ?? 0

    drive.run(Double(grew - 2) * 0.05, roundTrip: 0.1, rate: rate, queue: { _ in 0 })
    // A queue from one moment to the next, as often as the policy looks: none on average.
    for _ in 0..<3 {
      drive.run(0.05, roundTrip: 0.1, rate: rate, queue: { _ in 0.007 })
      #expect(drive.decision.poolSize == opened)
    }
    drive.run(0.05, roundTrip: 0.1, rate: rate, queue: { _ in 0 })
    // As though it had not waited: the size that it waited at counts once.
    #expect(drive.decision.poolSize == 2 * opened)
  }

  @Test(
    "as many as once carried data are refused: down to those served, but by a quarter at most",
    arguments: [(17, 17), (3, 15)])
  func goesBelowThoseThatCarried(served: Int, expected: Int) {
    var drive = Drive(ClimbPolicy(maximum: 20))
    drive.run(10, rate: { Double($0) * 1e6 }, queue: { _ in 0 })
    #expect(drive.decision.poolSize == 20)
    drive.run(
      0.1, refusals: [.init(at: .zero, served: served, retryAfter: 1)],
      rate: { Double($0) * 1e6 }, queue: { _ in 0 })
    #expect(drive.decision.poolSize == expected)
  }

  @Test("with little left to fetch, the size stays")
  func freezesInTheTail() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.left = 2_000_000
    drive.run(0.2, rate: { _ in 9e6 }, queue: { _ in 0 })
    #expect(Set(drive.sizes).count == 1)
  }

  @Test("a path that is known is opened at what did best, within what is known to hurt")
  func startsFromThePrior() {
    func point(_ size: Int, _ rate: Double) -> Prior.Point {
      Prior.Point(poolSize: size, logRate: log(rate), variance: 0.01, weight: 5)
    }
    let capped = Prior(points: [point(10, 10e6), point(30, 30e6), point(60, 30.2e6)])
    #expect(Drive(ClimbPolicy(maximum: 64, prior: capped)).decision.poolSize == 30)
    let harmed = Prior(points: [point(5, 15e6), point(10, 30e6), point(20, 18e6)])
    #expect(
      Drive(ClimbPolicy(maximum: 64, prior: harmed), roundTrip: 0.2).decision.poolSize == 10)
    var refused = Prior(points: [point(11, 11e6)], ceiling: 12)
    #expect(
      Drive(ClimbPolicy(maximum: 64, prior: refused), roundTrip: 0.2).decision.poolSize == 11)
    refused.isOwn = false
    #expect(Drive(ClimbPolicy(maximum: 64, prior: refused)).decision.poolSize == 11)
  }

  @Test("where earlier pulls still gained in proportion, the next one begins beyond them")
  func goesOnFromThePrior() {
    func point(_ size: Int, _ rate: Double, busy: Double = 5) -> Prior.Point {
      Prior.Point(
        poolSize: size, logRate: log(rate), variance: 0.01, weight: 5, busyWeight: busy)
    }
    let gaining = Prior(points: [point(8, 8e6), point(16, 16e6), point(64, 9e6, busy: 0)])
    var drive = Drive(ClimbPolicy(maximum: 64, prior: gaining))
    #expect(drive.decision.poolSize == 32)
    drive.run(5, rate: { Double($0) * 1e6 }, queue: { _ in 0 })
    #expect(drive.decision.poolSize == 64)
    let level = Prior(points: [point(8, 8e6), point(16, 10e6)])
    #expect(Drive(ClimbPolicy(maximum: 64, prior: level)).decision.poolSize == 16)
    let brief = Prior(points: [point(8, 8e6), point(16, 16e6, busy: 0.3)])
    #expect(Drive(ClimbPolicy(maximum: 64, prior: brief)).decision.poolSize == 16)
  }

  @Test("every decision carries a reason")
  func explains() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(5, rate: { min(Double($0) * 1e6, 20e6) }, queue: { $0 > 20 ? 0.05 : 0 })
    #expect(Set(drive.reasons).count > 2)
    #expect(drive.reasons.allSatisfy { !$0.isEmpty }, "\(drive.reasons)")
  }
}
