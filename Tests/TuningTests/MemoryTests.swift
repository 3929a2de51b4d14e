import Testing

@testable import Tuning

@Suite("What pulls teach")
struct MemoryTests {
  static func sample(
    _ now: Double, _ size: Int, _ bytes: Int64, left: Int64 = 1_000_000_000,
    limit: Sample.AppLimit? = nil
  ) -> Sample {
    Sample(
      now: Moment(seconds: now), poolSize: size, open: size, carrying: size, bytesDone: bytes,
      bytesLeft: left, appLimit: limit,
      readings: Readings(roundTripSeconds: [0.02], smallestRoundTripSeconds: 0.02))
  }

  @Test("epochs end where the pool size changes, work runs out, or they have lasted long")
  func cutsEpochs() {
    var recorder = PullRecorder(opening: Opening())
    for step in 0..<200 {
      let now = Double(step) * 0.05
      let size = now < 4 ? 4 : 8
      let limit: Sample.AppLimit? = now > 9 ? .nothingLeft : nil
      recorder.observe(
        Self.sample(now, size, Int64(now * 1e6), limit: limit),
        PoolDecision(poolSize: size, reason: "r"))
    }
    let record = recorder.record(at: Moment(seconds: 10))
    #expect(Set(record.epochs.map(\.poolSize)) == [4, 8])
    #expect(record.epochs.filter { !$0.isAppLimited }.allSatisfy { $0.seconds <= 3.1 })
    // What came after work ran out, and the bound over the whole time at the last size.
    #expect(record.epochs.filter(\.isAppLimited).count == 2)
    #expect(record.epochs.last.map { abs($0.seconds - 6) < 0.1 } ?? false)
    for epoch in record.epochs { #expect(abs(epoch.rate - 1e6) < 5e4) }
    #expect(record.idleRoundTripSeconds == 0.02)
  }

  @Test("time in which the process stood still is in no epoch, and in no bound")
  func standsStill() {
    var recorder = PullRecorder(opening: Opening())
    for step in 0..<120 {
      let worked = Double(step) * 0.05
      let now = worked < 3 ? worked : worked + 20
      recorder.observe(
        Self.sample(now, 4, Int64(worked * 1e6)), PoolDecision(poolSize: 4, reason: "r"))
    }
    let record = recorder.record(at: Moment(seconds: 26))
    #expect(
      record.epochs.contains { !$0.isAppLimited } && record.epochs.contains { $0.isAppLimited })
    for epoch in record.epochs { #expect(abs(epoch.rate - 1e6) < 5e4) }
    #expect(record.evidence.flowing < 6.1)
  }

  static func record(_ rates: [Int: Double], refusals: [Int] = []) -> PullRecord {
    PullRecord(
      seconds: 10, bytes: 1,
      epochs: rates.map {
        Epoch(poolSize: $0.key, startedAt: 0, seconds: 3, bytes: Int64($0.value * 3))
      }, servedAtRefusals: refusals)
  }

  @Test("the mean of many pulls is the mean of their logarithms, and the spread is theirs")
  func learns() throws {
    var memory = PathMemory()
    memory.learn(Self.record([4: 1e6]), at: 0)
    memory.learn(Self.record([4: 4e6]), at: 1)
    let point = try #require(memory.prior(at: 1)?.points.first)
    #expect(abs(point.rate - 2e6) < 1e3)
    #expect(abs(point.variance.squareRoot() - log(2.0)) < 0.01)
  }

  @Test("what was learned fades by half in 14 days, and the new outweighs it")
  func fades() throws {
    var memory = PathMemory()
    memory.learn(Self.record([4: 1e6]), at: 0)
    let later = 4 * PathMemory.halfLife
    memory.learn(Self.record([4: 4e6]), at: later)
    let point = try #require(memory.prior(at: later)?.points.first)
    #expect(point.rate > 3.6e6)
    #expect(abs(point.weight - 3 * (1 + 1.0 / 16)) < 0.01)
  }

  @Test("a ceiling is remembered for 72 hours")
  func forgetsCeilings() {
    var memory = PathMemory()
    memory.learn(Self.record([4: 1e6], refusals: [13, 12]), at: 0)
    #expect(memory.prior(at: 71 * 3600)?.ceiling == 12)
    #expect(memory.prior(at: 73 * 3600)?.ceiling == nil)
  }

  @Test("folding and restoring changes nothing")
  func merges() throws {
    var direct = PathMemory()
    var folded = PathMemory()
    for step in 0..<5 {
      let record = Self.record([4: 1e6 * Double(step + 1), 8: 3e6])
      direct.learn(record, at: Double(step))
      if step < 3 { folded.learn(record, at: Double(step)) }
    }
    var restored = PathMemory()
    restored.merge(folded.statistics, at: folded.learnedAt)
    for step in 3..<5 {
      restored.learn(Self.record([4: 1e6 * Double(step + 1), 8: 3e6]), at: Double(step))
    }
    let (one, other) = (try #require(direct.prior(at: 5)), try #require(restored.prior(at: 5)))
    for (left, right) in zip(one.points, other.points) {
      #expect(left.poolSize == right.poolSize)
      #expect(abs(left.logRate - right.logRate) < 1e-9)
      #expect(abs(left.variance - right.variance) < 1e-6)
    }
  }

  @Test("the smallest size about as fast as the best is what a path is known for")
  func knowsThePath() throws {
    var memory = PathMemory()
    memory.learn(Self.record([2: 5e6, 4: 9.8e6, 8: 10e6, 16: 9.9e6, 32: 7e6]), at: 0)
    let prior = try #require(memory.prior(at: 0))
    let known = try #require(KnownPath(prior))
    #expect(known.poolSize == 4)
    #expect(known.ceiling == 31)
  }

  @Test("short epochs at one size count together: a server may send by the second")
  func poolsShortEpochs() throws {
    let bytes: [Int64] = [2_000_000, 1_000, 1_000, 1_999_000]
    let record = PullRecord(
      seconds: 2, bytes: 4_002_000,
      epochs: bytes.map { Epoch(poolSize: 4, startedAt: 0, seconds: 0.5, bytes: $0) })
    var memory = PathMemory()
    memory.learn(record, at: 0)
    let point = try #require(memory.prior(at: 0)?.points.first)
    #expect(abs(point.rate - 2e6) < 2e3 && abs(point.weight - 2) < 1e-9)
  }

  @Test("only what every worker was busy for can show that more hurt")
  func boundsAreNoHarm() throws {
    var memory = PathMemory()
    var record = Self.record([8: 10e6, 32: 3e6])
    for index in record.epochs.indices where record.epochs[index].poolSize == 32 {
      record.epochs[index].isAppLimited = true
    }
    memory.learn(record, at: 0)
    let bounded = try #require(memory.prior(at: 0).flatMap { KnownPath($0) })
    #expect(!bounded.isHarmed && bounded.ceiling == .max)
    memory.learn(Self.record([8: 10e6, 32: 3e6]), at: 1)
    let harmed = try #require(memory.prior(at: 1).flatMap { KnownPath($0) })
    #expect(harmed.isHarmed && harmed.ceiling == 31)
  }
}
