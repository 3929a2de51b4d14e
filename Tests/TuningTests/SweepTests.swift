import Testing

@testable import Tuning

@Suite("Sweeps and curves")
struct SweepTests {
  @Test("each round has every size once, in an order that the seed decides")
  func plans() {
    let sweep = Sweep(reference: "r", sizes: [3, 1, 2, 2], repeats: 4, seed: 9)
    let plan = sweep.plan
    #expect(plan.count == 12)
    for round in 0..<4 { #expect(plan[(3 * round)..<(3 * round + 3)].sorted() == [1, 2, 3]) }
    #expect(plan == Sweep(reference: "r", sizes: [1, 2, 3], repeats: 4, seed: 9).plan)
    #expect(plan != plan.sorted())
  }

  @Test("a sweep goes on where it was, and ends")
  func resumes() {
    var sweep = Sweep(reference: "r", sizes: [1, 2], repeats: 2, seed: 1)
    #expect(sweep.secondsLeft == nil)
    var taken: [Int] = []
    while let size = sweep.next {
      taken.append(size)
      sweep.note(seconds: Double(size))
    }
    #expect(taken == sweep.plan && sweep.runs.count == 4)
    #expect(sweep.secondsLeft == 0)
    sweep.note(seconds: 1)
    #expect(sweep.runs.count == 4)
  }

  @Test("means, and Student's 95 % interval of them")
  func summarises() throws {
    var sweep = Sweep(reference: "r", sizes: [4], repeats: 3, seed: 1)
    for seconds in [9.0, 10, 11] { sweep.note(seconds: seconds) }
    let result = try #require(sweep.best)
    #expect(result.mean == 10 && result.runs == 3)
    // 4.303 standard errors of 1 / sqrt(3).
    #expect(abs(result.margin - 4.303 / 3.0.squareRoot()) < 1e-9)
  }

  @Test("the test of odd against even sees a difference, and sees none where there is none")
  func testsParity() throws {
    func test(_ seconds: (Int) -> Double) -> Sweep.OddTest? {
      var sweep = Sweep(reference: "r", sizes: Array(1...20), repeats: 1, seed: 3)
      while let size = sweep.next { sweep.note(seconds: seconds(size)) }
      return sweep.oddTest()
    }
    let clear = try #require(test { $0 % 2 == 1 ? 34 + Double($0) / 100 : 38 - Double($0) / 100 })
    #expect(clear.chance < 0.001 && abs(clear.advantage - 0.1) < 0.01)
    let flat = try #require(test { 30 + Double(($0 * 7) % 5) })
    #expect(flat.chance > 0.05)
    // One worker takes longest, and one is odd: that is no reason against odd.
    let falling = try #require(test { 40 / Double($0) })
    #expect(falling.chance > 0.05 && abs(falling.advantage) < 0.001)
    let both = try #require(test { 40 / Double($0) * ($0 % 2 == 1 ? 0.9 : 1) })
    #expect(both.chance < 0.001 && abs(both.advantage - 0.1) < 0.01)
    #expect(test { _ in 1 }?.chance ?? 0 > 0.9)
  }

  @Test("the seed's measurements of 2017: odd is better than even, by that test")
  func seedMeasurements() throws {
    let seconds: [Int: Double] = [
      1: 40.80, 2: 38.48, 3: 34.41, 4: 38.90, 5: 34.18, 6: 37.42, 7: 34.26, 8: 40.07, 9: 34.30,
      10: 40.90, 11: 35.09, 12: 39.33, 13: 34.32, 14: 36.83, 15: 34.69, 16: 37.02, 17: 34.20,
      18: 37.01, 19: 35.72, 20: 38.15, 22: 37.96, 23: 38.17, 26: 37.81, 28: 38.69, 30: 37.87,
    ]
    var sweep = Sweep(reference: "ubuntu", sizes: Array(seconds.keys), repeats: 1, seed: 17)
    while let size = sweep.next { sweep.note(seconds: seconds[size] ?? 0) }
    let test = try #require(sweep.oddTest())
    #expect(sweep.best?.poolSize == 5)
    #expect(test.chance < 0.01 && test.advantage > 0.05)
  }

  @Test(
    "names the same best as the history that its pulls were written into, whatever their bytes",
    arguments: [
      // Seconds by pool size: level from 4 on, one that was the fastest by chance, a fall, and a single size.
      [1: 4.0, 2: 2.0, 4: 1.0, 8: 0.99, 16: 1.0], [1: 4.0, 2: 2.0, 4: 1.01, 8: 1.0, 16: 0.98],
      [1: 1.0, 2: 0.6, 4: 0.5, 8: 0.9, 16: 1.8], [4: 1.0], [1: 1.0, 64: 0.1],
    ] as [[Int: Double]], [Int64(1_000), 5_000_000, 3_000_000_000])
  func sameBest(seconds: [Int: Double], bytes: Int64) throws {
    var sweep = Sweep(reference: "r", sizes: Array(seconds.keys), repeats: 3, seed: 4)
    var number = 0
    while let next = sweep.next {
      number += 1
      sweep.note(seconds: try #require(seconds[next]) * (1 + 0.01 * Double(number % 3 - 1)))
    }
    let runs = sweep.runs.map {
      SweepEvidence.Run(poolSize: $0.poolSize, seconds: $0.seconds, bytes: bytes)
    }
    var prior = Prior(points: [])
    prior.sweeps = [try #require(SweepEvidence(reference: "r", runs: runs, age: 60))]
    let (own, learned) = (try #require(sweep.estimate), try #require(PathEstimate(prior)))
    #expect(own.optimum == learned.optimum && own.interval == learned.interval)
    #expect(own.gap == learned.gap)
  }

  @Test("says nothing before its first pull")
  func nothingYet() {
    #expect(Sweep(reference: "r", sizes: [1, 2], repeats: 2, seed: 1).estimate == nil)
  }
}
