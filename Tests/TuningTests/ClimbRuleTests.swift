import Testing

@testable import Tuning

/// One test for each rule of the climb: what it proposes, and what throughput makes of that.
@Suite("Rules of the climb")
struct ClimbRuleTests {
  static func nothing(_ size: Int) -> Double { 0 }

  static func point(_ size: Int, _ rate: Double) -> Prior.Point {
    Prior.Point(poolSize: size, logRate: log(rate), variance: 0.01, weight: 5)
  }

  @Test(
    "open: no wider than there are bytes for",
    arguments: [(100_000 as Int64, 4), (400_000, 12), (1_000_000_000, 24)])
  func opens(bytes: Int64, expected: Int) {
    var policy = ClimbPolicy(maximum: 64)
    let opening = Opening(bytes: bytes, blobs: 1, roundTripSeconds: 0.1)
    #expect(policy.start(opening).poolSize == expected)
  }

  @Test("open: a short pull on a known path is no wider than what was measured and did no harm")
  func opensSafely() {
    let prior = Prior(points: [Self.point(8, 8e6), Self.point(9, 9e6), Self.point(30, 3e6)])
    var policy = ClimbPolicy(maximum: 64, prior: prior)
    let opening = Opening(bytes: 30_000_000, blobs: 10, roundTripSeconds: 0.1)
    #expect(policy.start(opening).poolSize == 9)
  }

  @Test("grow: little to each connection over a long round trip is no crowd: the pool grows")
  func growsUnderCaps() {
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.04)
    // 1 Mbit/s each: five packets under way.
    drive.run(8, roundTrip: 0.04, rate: { Double($0) * 125_000 }, queue: Self.nothing)
    #expect(drive.decision.poolSize == 64)
  }

  @Test("settle: the knee is a proposal; where it costs throughput it is taken back")
  func triesTheKnee() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    // Each response begins with a burst, so that the first look sees twice the rate.
    drive.run(0.4, rate: { Double($0) * 4e6 }, queue: Self.nothing)
    drive.run(20, rate: { Double($0) * 1e6 }, queue: Self.nothing)
    #expect(drive.decision.poolSize == 64)
  }

  @Test("settle: the knee is where the best rate was, not where a server is overloaded")
  func kneeOfTheBest() {
    var policy = ClimbPolicy(maximum: 64)
    policy.climb.levels = [
      Level(poolSize: 13, rate: 13e6), Level(poolSize: 26, rate: 6e6),
    ]
    #expect(policy.knee(6e6) == 16)
    #expect(policy.knee(26e6) == 32)
  }

  /// What a server brings that slows down beyond so many requests.
  static func overloaded(beyond most: Int, slope: Double = 0.05) -> (Int) -> Double {
    { size in
      size <= most ? Double(size) * 1e6 : Double(most) * 1e6 / (1 + slope * Double(size - most))
    }
  }

  @Test("settle: where nothing is full, the knee is where an overloaded server would have turned")
  func kneeOfTheOverloaded() {
    for most in 13...35 {
      let rate = Self.overloaded(beyond: most)(36)
      var policy = ClimbPolicy(maximum: 64)
      policy.pool.set(36, now: .zero)
      policy.climb.levels = [
        Level(poolSize: 12, rate: 12e6), Level(poolSize: 36, rate: rate),
      ]
      #expect(policy.turningPoint(rate: rate, single: 1e6) == most)
      #expect(policy.knee(rate, isOpen: true) >= most)
      // A full line brings what it brings.
      #expect(policy.knee(rate) == Int((1.2 * max(rate, 12e6) / 1e6).rounded(.up)))
    }
  }

  @Test(
    "harm: the best may lie between what gained in full and what hurt", arguments: [14, 18, 22])
  func turnsBetween(most: Int) {
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.01)
    drive.left = 100_000_000
    // Until the look at still fewer is over.
    drive.run(
      2.3, roundTrip: 0.01, rate: Self.overloaded(beyond: most, slope: 0.1), queue: Self.nothing)
    #expect((drive.sizes.max() ?? 0) > 30, "\(drive.sizes)")
    // It was 12, for the rest of a short pull.
    #expect(abs(drive.decision.poolSize - most) <= 5, "\(drive.reasons) \(drive.decision)")
  }

  @Test("harm: once more were slower, fewer are tried at once, and whoever is to go goes at once")
  func hurries() {
    let rate = Self.overloaded(beyond: 8, slope: 0.1)
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.05)
    drive.left = 25_000_000
    var leaving: [(isHarmed: Bool, seconds: Double?)] = []
    drive.sampled = { leaving.append(($1.limit == .overload, $1.leavingSeconds)) }
    drive.run(3, roundTrip: 0.05, rate: rate, queue: Self.nothing)
    #expect(drive.sizes[0] == 14 && drive.decision.poolSize < 14, "\(drive.reasons)")
    #expect(leaving.first?.seconds == nil)
    #expect(leaving.contains { $0.isHarmed })
    for (isHarmed, seconds) in leaving where isHarmed { #expect(seconds ?? 9 < 0.3) }
  }

  @Test(
    "trial: fewer that bring less in proportion are a limit per connection: more are tried next")
  func triesMoreAfterTooFew() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    for _ in 0..<100 {
      // A queue that comes and goes: bytes of many connections come together.
      drive.run(0.1, rate: { Double($0) * 1e6 }, queue: { _ in 0.02 })
      drive.run(0.1, rate: { Double($0) * 1e6 }, queue: Self.nothing)
    }
    #expect(drive.reasons.contains { $0.contains("too few") })
    #expect(drive.decision.poolSize >= 32)
  }

  @Test("trial: what is too few by the best rate of late is a limit per connection by it, too")
  func judgesByOneReference() throws {
    var policy = ClimbPolicy(maximum: 64)
    var drive = Drive(policy, roundTrip: 0.08)
    // Responses began with a burst: the rate before fewer were tried was low already.
    policy = try #require(drive.policy as? ClimbPolicy)
    policy.climb.peak = 20e6
    policy.pool.set(16, now: .zero)
    policy.phase = .trying(
      Trial(belief: .full(.line), from: Level(poolSize: 20, rate: 8e6)))
    drive.policy = policy
    for _ in 0..<50 {
      drive.run(0.1, roundTrip: 0.08, rate: { _ in 8e6 }, queue: { _ in 0.04 })
      drive.run(0.1, roundTrip: 0.08, rate: { _ in 8e6 }, queue: Self.nothing)
      policy = try #require(drive.policy as? ClimbPolicy)
      guard case .trying = policy.phase else { break }
    }
    #expect(policy.reason == .tooFew(16, percent: 60) && policy.climb.isProportional)
  }

  @Test("fewer: a line that one connection fills, and a machine that is full, need few")
  func descends() {
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.1)
    #expect(drive.decision.poolSize == 24)
    drive.run(15, roundTrip: 0.1, rate: { _ in 12e6 }, queue: { _ in 0.3 })
    #expect(drive.decision.poolSize == FewerRule.fewest)
    #expect(drive.decision.limit == .line)
  }

  @Test("share: no more go than others take the place of; a line that is then idle was not shared")
  func sharesOnlyWithOthers() {
    // 100 KB/s a connection, so that 43 fill a line of 4.2 MB/s whose rate varies.
    var alone = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.07)
    for second in 0..<40 {
      let line = second % 4 == 3 ? 3.6e6 : 4.3e6
      alone.run(
        0.5, roundTrip: 0.07, rate: { min(line, Double($0) * 1e5) },
        queue: { $0 >= 43 ? 0.02 : 0.001 })
    }
    #expect(alone.sizes.suffix(200).allSatisfy { $0 > 32 }, "\(alone.reasons)")
    // Others have a hundred connections, and the line is full without us.
    var crowd = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.07)
    crowd.run(1, roundTrip: 0.07, rate: { Double($0) * 1e5 }, queue: Self.nothing)
    crowd.run(
      20, roundTrip: 0.07, rate: { 6e6 * Double($0) / Double($0 + 100) }, queue: { _ in 0.05 })
    #expect(crowd.decision.poolSize == ShareRule.size, "\(crowd.reasons)")
  }

  @Test(
    "share: those who come are met at once, by what the line brings since, and with a second look")
  func meetsThoseWhoCome() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(20, rate: { _ in 12e6 }, queue: { _ in 0.08 })
    #expect(drive.decision.poolSize == 2)
    let before = drive.sizes.count
    // Others take five of seven parts; workers that are added get theirs a moment later.
    var waited = 0.0
    for _ in 0..<60 {
      let size = Double(drive.decision.poolSize)
      waited = size > 2 ? waited + 0.05 : 0
      let mine = min(size, 2 + 20 * max(0, waited - 0.4))
      drive.run(0.05, rate: { _ in 12e6 * mine / (mine + 5) }, queue: { _ in 0.08 })
    }
    #expect(drive.decision.poolSize == ShareRule.size, "\(drive.reasons)")
    #expect(drive.sizes[before...].allSatisfy { [2, ShareRule.size].contains($0) })
    #expect(!drive.reasons.contains { $0.hasPrefix("the line is not shared") })
  }

  @Test("grow: senders that have left slow start early are joined by more at once")
  func growsBesideSlowGrowth() {
    // Each round trip brings a quarter more: no slow start, which doubles.
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.25)
    #expect(drive.decision.poolSize == 36)
    for trip in 0..<6 {
      drive.run(
        0.25, roundTrip: 0.25, rate: { Double($0) * 6e4 * pow(1.25, Double(trip)) },
        queue: Self.nothing)
    }
    #expect(drive.decision.poolSize == 64)
  }

  @Test("more: on a line that seems full a larger pool is tried too, rarely, and kept if it gains")
  func triesMoreOnFullLines() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(20, rate: { _ in 12e6 }, queue: { _ in 0.08 })
    #expect(drive.decision.poolSize == 2)
    // What looks like a queue is now a longer path, and each connection brings its own.
    drive.run(60, rate: { Double($0) * 6e6 }, queue: { _ in 0.08 })
    #expect(drive.decision.poolSize >= 3)
    let reason = "round trips grew, by a queue or by a longer route: trying more workers"
    #expect(drive.reasons.contains(reason))
  }

  @Test("harm: fewer are kept if they are faster, and more are tried again, rarer and rarer")
  func retriesHarm() {
    let rate = { (size: Int) in
      size <= 10 ? Double(size) * 3e6 : 30e6 / (1 + 0.15 * Double(size - 10))
    }
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(40, rate: rate, queue: Self.nothing)
    drive.left = 10_000_000_000
    #expect(drive.decision.limit == .overload)
    drive.run(160, rate: rate, queue: Self.nothing)
    let late = drive.sizes.suffix(3_200)
    #expect(late.count { (8...11).contains($0) } > 3_000)
    #expect(late.contains { $0 > 10 })
    #expect(late.max() ?? 99 <= 16)
  }

  @Test("trial: where throughput varies by itself, chance makes no pool small for long")
  func looksLongEnough() {
    let means = (1...60 as ClosedRange<UInt64>).map { seed in
      var random = RandomSource(seed: seed)
      var drive = Drive(ClimbPolicy(maximum: 8), roundTrip: 0.001)
      // Losses end in time-outs: each tenth of a second brings between nothing and twice the mean.
      for _ in 0..<600 {
        let factor = Double.random(in: 0...2, using: &random)
        drive.run(
          0.1, roundTrip: 0.001, rate: { Double($0) * 5e5 * factor }, queue: Self.nothing)
      }
      let late = drive.sizes.suffix(1_000)
      return Double(late.reduce(0, +)) / Double(late.count)
    }
    // With looks of a fifth of a second, between 2.8 and 5.9 workers of 8.
    #expect(means.reduce(0, +) / Double(means.count) > 7)
    #expect((means.min() ?? 0) > 5.5)
  }

  @Test("trial: fewer are kept by the second look, after a second, however good the first was")
  func looksTwice() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    var (begun, lasted): (Double?, [Double]) = (nil, [])
    for _ in 0..<600 {
      drive.run(0.05, rate: { Double(min($0, 10)) * 1e6 }, queue: Self.nothing)
      let reason = drive.decision.reason
      if reason == Reason.tryingFlat.description {
        begun = begun ?? drive.now
      } else if let start = begun {
        if reason == Reason.fewerWillDo.description { lasted.append(drive.now - start) }
        begun = nil
      }
    }
    #expect(lasted.count > 1 && lasted.allSatisfy { $0 > 0.9 }, "\(lasted), \(drive.reasons)")
  }

  @Test("fewer: what was too few once bounds the steps for a while, not for the whole pull")
  func forgetsTooFew() {
    var bounds = Bounds(maximum: 64, served: 64, harmful: nil)
    bounds.keep(20, tooFew: 12, now: .zero)
    bounds.observe(Moment(seconds: 9))
    #expect(bounds.floor == 1)
    #expect(bounds.tooFew == 12)
    bounds.observe(Moment(seconds: 33))
    #expect(bounds.tooFew == nil)
  }

  @Test("share: nobody takes the place of a line that has become slower: back to what was enough")
  func isNotMisledBySlowness() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(20, rate: { _ in 12e6 }, queue: { _ in 0.08 })
    drive.run(10, rate: { _ in 6e6 }, queue: { _ in 0.08 })
    #expect(drive.reasons.contains { $0.hasPrefix("the line is not shared") })
    #expect(drive.decision.poolSize == 2)
  }

  @Test("share: a line that was slow for a moment gains by itself: the few are asked once more")
  func asksTheFewOnceMore() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(20, rate: { _ in 12e6 }, queue: { _ in 0.08 })
    #expect(drive.decision.poolSize == 2)
    for _ in 0..<200 {
      let isSlow = !drive.reasons.contains(Reason.mayShare.description)
      drive.run(0.05, rate: { _ in isSlow ? 6e6 : 12e6 }, queue: { _ in 0.08 })
    }
    #expect(drive.sizes.contains(ShareRule.size), "\(drive.reasons)")
    #expect(drive.decision.poolSize == 2, "\(drive.reasons)")
  }

  @Test("full: what the user's own limit holds back needs no more workers, and is no path's doing")
  func isNotFooledByOwnLimit() {
    for isSmooth in [true, false] {
      var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.04)
      let opened = drive.decision.poolSize
      // What a bucket gives out comes at once, and nothing between.
      for step in 0..<600 {
        drive.run(
          0.05, roundTrip: 0.04, held: 0.9,
          rate: { _ in isSmooth ? 5e6 : step % 4 == 0 ? 20e6 : 0 }, queue: Self.nothing)
      }
      #expect(drive.sizes.allSatisfy { $0 <= opened }, "\(drive.reasons)")
      #expect(drive.decision.limit == .limitRate)
      #expect(!isSmooth || drive.decision.poolSize <= 4, "\(drive.reasons)")
      #expect(drive.reasons.contains("--limit-rate is reached: trying fewer workers"))
    }
  }

  @Test(
    "refuse: one more is asked of a server that others want, up to what hurts, and nothing else then",
    arguments: [(nil as Int?, 9), (9, 8), (10, 9)])
  func asksForMoreWithoutHarm(harmful: Int?, expected: Int) throws {
    var policy = ClimbPolicy(maximum: 64)
    policy.pool.set(8, now: .zero)
    policy.refusals = Refusals(last: .zero, areContended: true)
    policy.bounds.served = 8
    if let harmful { policy.bounds.forbid(from: harmful, now: .zero) }
    let asks = policy.asksForMore(Moment(seconds: 11))
    #expect(asks == (expected > 8))
    #expect(policy.pool.size == expected)
  }

  @Test(
    "trial: a path that becomes much slower is noticed before the last of those who are to go is gone",
    arguments: [Trial.Belief.full(.line), .flat, .harm])
  func givesUpEarly(belief: Trial.Belief) {
    var policy = ClimbPolicy(maximum: 64)
    policy.pool.set(18, now: .zero)
    policy.phase = .trying(Trial(belief: belief, from: Level(poolSize: 18, rate: 18e6)))
    policy.pool.set(11, now: .zero)
    var bytes: Int64 = 0
    func sample(_ rate: Double, at seconds: Double) -> Sample {
      bytes += Int64(rate * 0.05)
      return Sample(
        now: Moment(seconds: seconds), poolSize: 11, open: 17, carrying: 17, bytesDone: bytes,
        bytesLeft: 1_000_000_000)
    }
    // Their segments were made for the path as it was: with seventeen of eighteen, less than eleven brought.
    for step in 1...60 { _ = policy.observe(sample(6e6, at: Double(step) * 0.05)) }
    if case .harm = belief {
      #expect(policy.pool.size == 11)
    } else {
      #expect(policy.pool.size == 18, "\(policy.reason)")
    }
  }

  @Test("feed: with nothing left to hand out, the pool is as large as those at work")
  func feeds() {
    var policy = ClimbPolicy(maximum: 64)
    _ = policy.start(Opening(bytes: 100_000_000, blobs: 1, roundTripSeconds: 0.1))
    var decision = PoolDecision(poolSize: 24, reason: "")
    for step in 1...60 {
      decision = policy.observe(
        Sample(
          now: Moment(seconds: Double(step) * 0.05), poolSize: decision.poolSize, open: 9,
          carrying: 9, bytesDone: Int64(step) * 50_000, bytesLeft: 100_000_000,
          appLimit: .nothingLeft, readings: .init(roundTripSeconds: [0.1])))
    }
    #expect(decision.poolSize == 9)
    #expect(decision.reason == "what is left keeps only 9 busy")
  }

  @Test("keep: a path that brings more than it did is climbed again")
  func climbsAgain() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    drive.run(10, rate: { min(Double($0), 10) * 1e6 }, queue: Self.nothing)
    let before = drive.decision.poolSize
    #expect(before < 40)
    drive.run(20, rate: { Double($0) * 2e6 }, queue: Self.nothing)
    #expect(drive.decision.poolSize == 64)
  }

  @Test("more: steps that gain after harm grow, and nothing smaller is looked at between them")
  func growsBolderAfterHarm() {
    var drive = Drive(ClimbPolicy(maximum: 64))
    // In proportion to 44, and far slower from there on.
    drive.run(
      20, rate: { $0 <= 44 ? Double($0) * 1e6 : 44e6 * 0.3 * 44 / Double($0) },
      queue: Self.nothing)
    let harmed = drive.sizes.firstIndex { $0 > 44 }.map { drive.sizes[$0...] } ?? []
    let climb = harmed.drop { $0 > 44 }.reduce(into: [Int]()) { steps, size in
      if size <= 44, steps.last.map({ $0 < size }) ?? true { steps.append(size) }
    }
    let steps = zip(climb, climb.dropFirst()).map { Double($1) / Double($0) }
    #expect(steps.contains { $0 > 1.2 })
    #expect(drive.decision.poolSize >= 40 && drive.decision.poolSize <= 44)
  }

  @Test("gaps: what a look between two bursts took for harm is forgotten when gaps are seen")
  func forgetsWhatWasFoundBetweenBursts() {
    // A pull from nginx with limit_rate 200k, over 5 ms: KiB in each sample until gaps were seen.
    let seen = [
      1, 32, 63, 95, 96, 32, 638, 32, 96, 512, 0, 0, 48, 16, 352, 576, 96, 224, 160, 0, 0, 224,
    ]
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.005)
    func step(_ kibibytes: (Int) -> Double) {
      drive.run(0.05, roundTrip: 0.005, rate: { kibibytes($0) * 1_024 / 0.05 }, queue: Self.nothing)
    }
    for sample in seen { step { _ in Double(sample) } }
    #expect(drive.reasons.contains { $0.contains("slower") })
    for sample in 0..<80 { step { sample % 20 == 13 ? Double($0) * 200 : 0 } }
    #expect(drive.decision.poolSize == 64)
  }

  @Test("gaps: a rate is that of whole seconds, wherever between two bursts it is looked at")
  func looksAtWholeSeconds() throws {
    for phase in 0..<20 {
      var senses = Senses()
      var bytes: Int64 = 0
      for step in 1...(100 + phase) {
        if step % 20 < 4 { bytes += 1_000_000 }
        senses.observe(
          Sample(
            now: Moment(seconds: Double(step) * 0.05), poolSize: 8, open: 8, carrying: 8,
            bytesDone: bytes, bytesLeft: 1_000_000_000))
      }
      let now = Double(100 + phase) * 0.05
      for span in [0.2, 0.8, 1.0, 1.6, 2.0] {
        let rate = try #require(senses.rates.rate(since: Moment(seconds: now - span)))
        #expect(abs(rate - 4e6) < 1e-3, "\(phase) \(span)")
      }
    }
  }

  @Test("grow: however little a connection brings, there are more while that takes its time")
  func growsOverSlowConnections() {
    var drive = Drive(ClimbPolicy(maximum: 64), roundTrip: 0.009)
    drive.left = 1_300_000
    drive.run(1, roundTrip: 0.009, rate: { Double($0) * 6e3 }, queue: Self.nothing)
    #expect(drive.decision.poolSize == 64)
  }

  @Test(
    "grow: why there are no more is said",
    arguments: [
      (64, nil, "the most that --max-workers allows"), (20, nil, "the most that the server takes"),
      (64, 20, "more workers were slower"), (20, 12, "more workers were slower"),
    ] as [(Int, Int?, String)])
  func saysWhatTheMostIs(served: Int, harmful: Int?, reason: String) {
    #expect(Bounds(maximum: 64, served: served, harmful: harmful).top.description == reason)
  }

  @Test("keep: a harm that earlier pulls saw is forgotten where the path has become much slower")
  func forgetsRememberedHarm() {
    let prior = Prior(points: [Self.point(1, 28e6), Self.point(2, 15e6), Self.point(8, 14e6)])
    var drive = Drive(ClimbPolicy(maximum: 64, prior: prior))
    drive.run(4, rate: { _ in 28e6 }, queue: { _ in 0.05 })
    #expect(drive.decision.poolSize == 1)
    // Eight workers of somebody else.
    drive.run(8, rate: { 28e6 * Double($0) / Double($0 + 8) }, queue: { _ in 0.05 })
    #expect(drive.decision.poolSize == ShareRule.size)
  }

  @Test("phases follow each other as the drawing says")
  func phases() {
    let level = Level(poolSize: 4, rate: 1)
    let all: [(String, Phase)] = [
      ("growing", .growing), ("settling", .settling),
      ("holding", .holding(Hold(rate: level.rate, since: .zero))),
      ("trying", .trying(Trial(belief: .room, from: level))),
    ]
    var allowed: Set<String> = []
    for (one, from) in all {
      for (other, to) in all where from.allows(to) { allowed.insert("\(one) -> \(other)") }
    }
    #expect(
      allowed == [
        "growing -> growing", "growing -> settling", "growing -> holding", "settling -> growing",
        "settling -> holding", "settling -> trying", "holding -> growing", "holding -> holding",
        "holding -> trying", "trying -> growing", "trying -> holding", "trying -> trying",
      ])
  }

  @Test("every belief proposes in words of its own")
  func speaks() {
    let beliefs: [Trial.Belief] = [.room, .longer, .full(.line), .flat, .harm, .others]
    #expect(Set(beliefs.map(\.proposal.description)).count == beliefs.count)
  }
}
