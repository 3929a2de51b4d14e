import Testing

@testable import Tuning

@Suite("What is known of the best pool size")
struct EstimateTests {
  static func memory(_ pulls: [[(size: Int, rate: Double, seconds: Double, isShort: Bool)]])
    -> Prior?
  {
    var memory = PathMemory()
    for (index, epochs) in pulls.enumerated() {
      let epochs = epochs.map {
        Epoch(
          poolSize: $0.size, startedAt: 0, seconds: $0.seconds, bytes: Int64($0.rate * $0.seconds),
          isAppLimited: $0.isShort)
      }
      memory.learn(PullRecord(seconds: 10, bytes: 1, epochs: epochs), at: Double(index))
    }
    return memory.prior(at: Double(pulls.count))
  }

  static func measured(_ rates: [(Int, Double)], pulls: Int = 3) -> Prior? {
    memory(Array(repeating: rates.map { ($0.0, $0.1, 6, false) }, count: pulls))
  }

  static func sweep(_ seconds: [(Int, Double)], age: Double = 0, repeats: Int = 3) -> SweepEvidence?
  {
    let runs = (0..<repeats).flatMap { number in
      seconds.map {
        SweepEvidence.Run(
          poolSize: $0.0, seconds: $0.1 * (1 + 0.004 * Double(number)), bytes: 100_000_000)
      }
    }
    return SweepEvidence(reference: "r", runs: runs, age: age)
  }

  @Test("a plateau that was measured on both sides is known, and its best lies where it begins")
  func knowsPlateaus() throws {
    let prior = try #require(
      Self.measured([(2, 2e6), (4, 4e6), (8, 8e6), (10, 9.95e6), (16, 10e6), (32, 10e6)]))
    let estimate = try #require(PathEstimate(prior))
    #expect(estimate.gap == nil && estimate.interval.contains(10) && !estimate.interval.contains(8))
    #expect(!estimate.interval.contains(20) && abs(estimate.rate / 1e7 - 1) < 0.03)
    #expect(PathEstimate.startingSize(prior) == estimate.optimum)
  }

  @Test(
    "reports say where the next pull starts, also where the largest that was measured still gained",
    arguments: [0.001, 0.05, 0.2], [nil, 12, 64] as [Int?])
  func saysTheStart(trip: Double, ceiling: Int?) throws {
    for rates in [
      [(2, 2e6), (4, 4e6)], [(4, 4e6), (8, 8e6), (16, 16e6)], [(8, 8e6), (64, 64e6)],
      [(2, 2e6), (4, 4e6), (8, 4e6)], [(4, 8e6), (8, 4e6)],
    ] {
      var prior = try #require(Self.measured(rates))
      (prior.idleRoundTripSeconds, prior.ceiling) = (trip, ceiling)
      var policy = ClimbPolicy(maximum: 64, prior: prior)
      let opening = Opening(bytes: 1 << 40, blobs: 1, roundTripSeconds: trip)
      #expect(PathEstimate.startingSize(prior) == policy.start(opening).poolSize, "\(rates)")
    }
  }

  @Test(
    "whatever the image, a pull starts within what reports say, and reaches both ends of it",
    arguments: [0.001, 0.05, 0.2], [nil, 12, 64] as [Int?])
  func saysAllStarts(trip: Double, ceiling: Int?) throws {
    for rates in [
      [(2, 2e6), (4, 4e6)], [(4, 4e6), (8, 8e6), (16, 16e6)], [(8, 8e6), (64, 64e6)],
      [(2, 2e6), (4, 8e6), (8, 8e6), (16, 8e6)], [(4, 8e6)], [(4, 8e6), (8, 4e6)],
    ] {
      var prior = try #require(Self.measured(rates))
      (prior.idleRoundTripSeconds, prior.ceiling) = (trip, ceiling)
      let said = try #require(PathEstimate.startingSizes(prior))
      var sizes: [Int] = []
      for power in [0, 16, 18, 20, 22, 24, 40] {
        for blobs in [1, 10, 1_000] {
          var policy = ClimbPolicy(maximum: 64, prior: prior)
          let opening = Opening(bytes: Int64(1) << power, blobs: blobs, roundTripSeconds: 0.07)
          sizes.append(policy.start(opening).poolSize)
        }
      }
      #expect(sizes.min() == said.lowerBound && sizes.max() == said.upperBound, "\(rates) \(said)")
    }
  }

  @Test("the interval is never narrower than the gap between the sizes that were measured")
  func respectsGaps() throws {
    let prior = try #require(Self.measured([(4, 4e6), (12, 10e6), (24, 10e6)]))
    let estimate = try #require(PathEstimate(prior))
    #expect(estimate.interval.upperBound >= 12 && estimate.interval.lowerBound <= 9)
  }

  @Test(
    "sizes that further pulls tried for a second each make nothing unknown, and no interval wider",
    arguments: [
      [],
      [(5, 0.99), (6, 1.02), (8, 1.01), (11, 0.98), (13, 1.02), (20, 1.03), (30, 0.99)],
      [(5, 0.97), (6, 1.03), (8, 1.03), (11, 0.98), (13, 1.03), (20, 1.03), (30, 0.97)],
    ] as [[(Int, Double)]])
  func briefTrials(trials: [(Int, Double)]) throws {
    // The plateau begins at 2; a second's rate is off by a few per cent, as they are.
    let pull = [(1, 40e6, 1.5, false), (2, 75e6, 30.0, false), (4, 75.4e6, 4.0, false)]
    let brief = trials.map { [($0.0, 75e6 * $0.1, 0.9, false)] }
    let prior = try #require(Self.memory(Array(repeating: pull, count: 6) + brief))
    let estimate = try #require(PathEstimate(prior))
    #expect(estimate.gap == nil && estimate.interval == 2...4)
  }

  @Test(
    "what pulls cannot tell is said to be unknown, with the reason",
    arguments: [
      ([[(5, 3e6, 0.7, true)]], PathEstimate.Gap.tooShort),
      ([[(3, 3e6, 6, false), (23, 9e6, 0.6, true)]], .tooShortAbove(3)),
      ([[(4, 4e6, 20, false)]], .onlyOne(4)),
      ([[(2, 2e6, 6, false), (4, 4e6, 6, false), (8, 8e6, 6, false)]], .mayGain(above: 8)),
    ])
  func saysWhatIsUnknown(
    pulls: [[(size: Int, rate: Double, seconds: Double, isShort: Bool)]], gap: PathEstimate.Gap
  ) throws {
    let estimate = try #require(Self.memory(pulls).flatMap { PathEstimate($0) })
    #expect(estimate.gap == gap)
    #expect(estimate.gap.map { !$0.words.isEmpty } ?? false)
  }

  @Test("lower bounds are not ranked with measurements, and what they exceed is not the best")
  func censors() throws {
    // 23 workers were measured at a moment; 8 brought more than twice that in a pull that was too short.
    let prior = try #require(
      Self.memory([[(8, 230e6, 2, true), (16, 230e6, 2, true), (23, 99e6, 0.6, false)]]))
    let estimate = try #require(PathEstimate(prior))
    #expect(estimate.gap != nil)
    let point = try #require(prior.points.first { $0.poolSize == 8 })
    #expect(point.isBound && abs(point.rate / 230e6 - 1) < 1e-6)
  }

  @Test("a bound beside measurements changes neither their mean nor their scatter")
  func keepsBoundsApart() throws {
    let prior = try #require(Self.memory([[(4, 4e6, 6, false), (4, 9e6, 2, true)]]))
    let point = try #require(prior.points.first)
    #expect(abs(point.rate / 4e6 - 1) < 1e-6 && point.variance < 1e-9)
    #expect(point.bound.map { abs(exp($0) / 9e6 - 1) < 1e-6 } ?? false)
  }

  @Test("a sweep is preferred to pulls, and an old one only where they do not know")
  func prefersSweeps() throws {
    let seconds = [(1, 8.0), (2, 4.1), (3, 2.8), (4, 2.02), (5, 2), (8, 2), (16, 2)]
    var prior = try #require(
      Self.measured([
        (2, 2e6), (4, 4e6), (8, 8e6), (16, 16e6), (17, 16.5e6), (24, 16.5e6), (40, 16.5e6),
      ]))
    let fresh = try #require(Self.sweep(seconds))
    prior.sweeps = [fresh]
    let estimate = try #require(PathEstimate(prior))
    #expect(estimate.source == .sweep(fresh) && estimate.gap == nil)
    #expect(estimate.interval.contains(4) && estimate.interval.upperBound <= 8)
    prior.sweeps = [try #require(Self.sweep(seconds, age: 60 * 86_400))]
    #expect(PathEstimate(prior)?.source == .pulls)
    prior.points = []
    #expect(PathEstimate(prior)?.gap == nil && PathEstimate.startingSize(prior) == 4)
  }

  @Test("a sweep of an image too small to be pulled fast says nothing of the path")
  func knowsSmallSweeps() throws {
    // 100 MB/s at best, which one of 50 MB/s may still tell of.
    let seconds = [(1, 8.0), (2, 4.1), (3, 2.8), (4, 2.02), (5, 2), (8, 2), (16, 2)]
    let sizes = [(4, 0.25), (8, 0.5), (16, 1.0), (17, 1.01), (24, 1.01), (40, 1.01)]
    for (rate, isBelieved) in [(90e6, true), (110e6, false)] {
      var prior = try #require(Self.measured(sizes.map { ($0.0, $0.1 * rate) }))
      let sweep = try #require(Self.sweep(seconds))
      prior.sweeps = [sweep]
      let estimate = try #require(PathEstimate(prior))
      #expect(estimate.source == (isBelieved ? .sweep(sweep) : .pulls))
      #expect(PathEstimate.startingSize(prior).map { $0 < 8 } == isBelieved)
    }
  }

  @Test("no rate is given for pool sizes outside of those that were measured")
  func drawsNothingOutside() throws {
    let prior = try #require(Self.measured([(4, 4e6), (8, 8e6), (16, 10e6)]))
    let estimate = try #require(PathEstimate(prior))
    #expect(estimate.rate(at: 3) == nil && estimate.rate(at: 17) == nil)
    for (size, rate) in [(4, 4e6), (8, 8e6), (16, 10e6)] {
      #expect(abs((estimate.rate(at: size)?.middle ?? 0) / rate - 1) < 0.1)
    }
  }

  @Test("more evidence gives no wider interval")
  func narrows() throws {
    let rates = [(2, 2e6), (4, 4e6), (8, 7.6e6), (12, 9.6e6), (16, 9.9e6), (32, 10e6)]
    let widths = try [1, 3, 10].map { pulls in
      let interval = try #require(Self.measured(rates, pulls: pulls).flatMap { PathEstimate($0) })
        .interval
      return Double(interval.upperBound) / Double(interval.lowerBound)
    }
    #expect(widths[0] >= widths[1] && widths[1] >= widths[2])
  }

  @Test("where many workers are slower, the best is not among them")
  func seesHarm() throws {
    let prior = try #require(Self.measured([(4, 4e6), (8, 8e6), (16, 5e6), (32, 3e6)]))
    let estimate = try #require(PathEstimate(prior))
    #expect(estimate.gap == nil && (5...16).contains(estimate.interval.upperBound))
  }

  @Test("a lower bound far above the best that was measured makes it unknown")
  func isDenied() throws {
    let epochs = [
      (4, 4e6, 6.0, false), (8, 8e6, 6, false), (12, 8e6, 6, false), (24, 8e6, 6, false),
    ]
    let short = [(40, 30e6, 2.0, true)]
    #expect(Self.memory([epochs, epochs]).flatMap { PathEstimate($0) }?.gap == nil)
    #expect(
      Self.memory([epochs, epochs, short]).flatMap { PathEstimate($0) }?.gap == .tooShortAbove(24))
  }

  @Test("where the best is said to be known, its interval has the truth in 17 of 20 histories")
  func isHonest() throws {
    var random = RandomSource(seed: 7)
    var (known, covered) = (0, 0)
    for _ in 0..<60 {
      // A limit per connection, a line, and 2 % of noise on each measurement.
      let knee = 2 * pow(20, Double.random(in: 0..<1, using: &random))
      let truth = Int((0.98 * knee).rounded(.up))
      let sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
        .filter { _ in Double.random(in: 0..<1, using: &random) < 0.7 }
      let rates = sizes.map { size in
        (
          size,
          min(Double(size), knee) * 1e6 * (1 + Double.random(in: -0.03...0.03, using: &random))
        )
      }
      guard let estimate = Self.measured(rates, pulls: 1).flatMap({ PathEstimate($0) }),
        estimate.gap == nil
      else { continue }
      known += 1
      if estimate.interval.contains(truth) { covered += 1 }
    }
    #expect(known >= 20 && 20 * covered >= 17 * known, "\(covered) of \(known)")
  }
}
