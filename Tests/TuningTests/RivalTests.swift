import Testing

@testable import Rivals
@testable import Tuning

@Suite("Rivals")
struct RivalTests {
  static let names = PolicyName.allCases

  @Test("every policy opens with a worker or more and stays within its maximum", arguments: names)
  func staysInBounds(name: PolicyName) {
    var drive = Drive(name.make(.init(cpus: 2, maximum: 20)))
    drive.run(120, rate: { min(Double($0) * 5e6, 40e6) }, queue: { $0 > 8 ? 0.02 : 0 })
    #expect(drive.sizes.allSatisfy { (1...20).contains($0) })
  }

  @Test("a maximum below what a rival begins with is obeyed", arguments: names)
  func obeysSmallMaximum(name: PolicyName) {
    var course = RivalCourse(name, maximum: 3)
    #expect((1...3).contains(course.decision.poolSize))
    course.transfer(30, rate: { Double($0) * 5e6 })
    course.sample(refusals: 1)
    #expect(course.sizes.allSatisfy { (1...3).contains($0.size) })
  }

  @Test(
    "each opens as its source does",
    arguments: [
      (PolicyName.one, 1), (.three, 3), (.six, 6), (.twicePerCPU, 8), (.aria2, 5), (.xet, 4),
      (.falconHillClimb, 1), (.falconGradient, 1), (.fastbiodl, 1), (.aimd, 20),
      (.gradient2, 20), (.vivace, 5),
    ])
  func constants(name: PolicyName, size: Int) {
    #expect(Drive(name.make(.init(cpus: 4))).decision.poolSize == size)
  }

  @Test(
    "those that climb find more than they opened with where each worker brings its own rate",
    arguments: [
      PolicyName.falconHillClimb, .falconGradient, .fastbiodl, .xet, .aimd, .gradient2, .vivace,
    ])
  func climbs(name: PolicyName) {
    var course = RivalCourse(name)
    let opened = course.decision.poolSize
    course.transfer(60, rate: { Double($0) * 20e6 })
    #expect(course.decision.poolSize > opened + 2)
  }

  // MARK: aria2

  @Test("aria2's formula is rounded up: 1, 10 and 100 Mbit/s give 5, 30 and 55; 200 gives 63")
  func ariaFormula() {
    for (rate, size) in [(125e3, 5), (1.25e6, 30), (12.5e6, 55), (25e6, 63)] {
      var course = RivalCourse(.aria2)
      course.run(3, rate: { _ in rate })
      #expect(course.decision.poolSize == size)
    }
  }

  @Test("aria2 goes by the highest speed until 5 s have passed, then by the middle")
  func ariaHolds() {
    var course = RivalCourse(.aria2)
    course.run(12, rate: { _ in 12.5e6 })
    course.run(4.5, rate: { _ in 1.25e6 })
    #expect(course.decision.poolSize == 55)
    course.run(1.5, rate: { _ in 1.25e6 })
    #expect((50...54).contains(course.decision.poolSize))
  }

  // MARK: Falcon and FastBioDL

  @Test("Falcon's gradient takes steps of theta times the rounded relative gradient, each 3 s")
  func falconGradient() {
    var course = RivalCourse(.falconGradient)
    course.run(18.5, rate: { Double($0) * 10e6 })
    #expect(course.steps == [1, 2, 4, 8, 14, 22, 27])
  }

  @Test("Falcon's gradient goes at most 10 above the size with the best score")
  func falconSoftLimit() {
    var course = RivalCourse(.falconGradient)
    // What more workers than four bring grows so fast that only the limit bounds the next step.
    course.run(11, rate: { $0 < 4 ? Double($0) * 10e6 : 400e6 })
    #expect(course.steps == [1, 2, 4, 14])
  }

  @Test("Falcon's hill climb goes back by one from the first size with no better score, and waits")
  func falconHillClimb() {
    var course = RivalCourse(.falconHillClimb)
    course.run(24, rate: { Double(min($0, 3)) * 10e6 })
    #expect(course.steps == [1, 2, 3, 4, 3])
    // A change of more than a tenth sets it going again.
    course.run(4, rate: { Double($0) * 20e6 })
    #expect(course.decision.poolSize == 4)
  }

  @Test("a worker costs 2 % of the throughput, and a score is whole Mbit/s")
  func falconScore() {
    #expect(FalconPolicy.score(rate: 12.5e6, poolSize: 1) == 98)
    #expect(FalconPolicy.score(rate: 12.5e6, poolSize: 10) == 82)
  }

  @Test("Falcon leaves the first second of a probe out, FastBioDL as well")
  func falconSkips() {
    var probe = Probe(seconds: 3, skipping: 1)
    var rates: [Double] = []
    var bytes: Int64 = 0
    for index in 0...120 {
      let second = Double(index % 60) * 0.05
      bytes += second > 0 && second <= 1.001 ? 0 : 50_000
      let sample = Sample(
        now: Moment(seconds: Double(index) * 0.05), poolSize: 1, open: 1, carrying: 1,
        bytesDone: bytes, bytesLeft: 1)
      if let rate = probe.observe(sample) { rates.append(rate) }
    }
    #expect(rates == [1e6, 1e6])
  }

  @Test("FastBioDL moves by its size times the relative gradient, at most 5, each 5 s, up to 15")
  func fastBioDL() {
    var course = RivalCourse(.fastbiodl)
    course.run(20.5, rate: { Double($0) * 10e6 })
    #expect(course.steps == [1, 2, 4, 6, 7])
    #expect(course.sizes.first { $0.size == 2 }.map { (4.9...5.2).contains($0.at) } == true)
    // Far more from one size to the next: the largest step, then the largest size.
    course.run(10, rate: { $0 > 7 ? Double($0) * 200e6 : 70e6 })
    course.run(20, rate: { Double($0) * Double($0) * 200e6 })
    #expect(course.sizes.allSatisfy { $0.size <= 15 })
    #expect(zip(course.steps, course.steps.dropFirst()).allSatisfy { abs($0 - $1) <= 5 })
    #expect(course.steps.contains(15))
  }

  // MARK: Netflix

  @Test("AIMD: one more with each answer while half is in use, a tenth less with each refusal")
  func aimd() {
    var course = RivalCourse(.aimd)
    course.sample(firstBytes: Array(repeating: 0.1, count: 10))
    #expect(course.decision.poolSize == 30)
    course.sample(carrying: 14, firstBytes: [0.1])
    #expect(course.decision.poolSize == 30)
    course.sample(carrying: 15, firstBytes: [0.1])
    #expect(course.decision.poolSize == 31)
    course.sample(refusals: 1)
    #expect(course.decision.poolSize == 27)
    // Over 5 s counts as a refusal.
    course.sample(firstBytes: [5.1])
    #expect(course.decision.poolSize == 24)
    for _ in 0..<9 { course.sample(refusals: 1) }
    #expect(course.decision.poolSize == 20)
  }

  @Test("Gradient2: four fifths of the limit and a fifth of the limit plus 4; half at most is lost")
  func gradient2() {
    var course = RivalCourse(.gradient2)
    course.sample(firstBytes: Array(repeating: 0.05, count: 5))
    #expect(course.decision.poolSize == 24)
    course.sample(carrying: 11, firstBytes: Array(repeating: 0.05, count: 5))
    #expect(course.decision.poolSize == 24)
    for _ in 0..<20 { course.sample(firstBytes: Array(repeating: 0.05, count: 5)) }
    #expect(course.decision.poolSize == 64)
    // Ten times as long: 64 x 0.8 + (64 x 0.5 + 4) x 0.2 = 58.4.
    course.sample(firstBytes: [0.5])
    #expect(course.decision.poolSize == 58)
    // Half as long again is tolerated: not less than 58.4.
    course.sample(firstBytes: [0.075])
    #expect(course.decision.poolSize == 59)
    course.sample(refusals: 5)
    #expect(course.decision.poolSize == 59)
    for _ in 0..<9 { course.sample(firstBytes: [5, 5, 5, 5, 5]) }
    #expect(course.decision.poolSize == 20)
  }

  // MARK: Vivace

  @Test("Vivace doubles until the utility falls, then tries above and below, twice each")
  func vivaceStarts() {
    var course = RivalCourse(.vivace)
    course.run(12, rate: { $0 <= 10 ? Double($0) * 20e6 : 50e6 })
    // The lower side won both pairs of the first four trials; the higher one of the next four.
    #expect(course.steps.prefix(9) == [5, 10, 20, 11, 9, 11, 8, 10, 8])
  }

  @Test("Vivace moves, by a tenth and more each time, after two decisions to go up")
  func vivaceMoves() {
    var course = RivalCourse(.vivace)
    course.run(1, rate: { Double($0) * 20e6 })
    // A second in which nothing comes ends the doubling.
    course.run(1.05, rate: { _ in 0 })
    course.run(14, rate: { Double($0) * 20e6 })
    #expect(course.steps.prefix(11) == [5, 10, 6, 4, 6, 5, 7, 5, 8, 9, 11])
  }

  @Test("Vivace pays for a round trip that grows")
  func vivaceMindsQueues() {
    var drive = Drive(PolicyName.vivace.make(.init(cpus: 2)))
    drive.run(1.1, rate: { Double($0) * 20e6 }, queue: { _ in 0 })
    #expect(drive.decision.poolSize == 10)
    for _ in 0..<20 where drive.decision.poolSize == 10 {
      let queue = drive.now - 1
      drive.run(0.05, rate: { Double($0) * 20e6 }, queue: { _ in queue })
    }
    // More arrived, but the doubling ended: trials around 5.
    #expect((4...6).contains(drive.decision.poolSize))
  }

  // MARK: xet-core

  @Test("xet's gate opens once, at 20 MB; then there is a step each time half a second is over")
  func xetGate() {
    var course = RivalCourse(.xet)
    course.transfer(12)
    let steps = zip(course.sizes, course.sizes.dropFirst()).filter { $0.size != $1.size }.map(\.1)
    let times = steps.map(\.at)
    // 4 MB/s: 20 MB are here after 5 s.
    #expect(times.first.map { (4.95...5.25).contains($0) } == true)
    #expect(times.count >= 11)
    let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
    #expect(gaps.allSatisfy { (0.51...0.66).contains($0) })
    #expect(course.steps == Array(4...(4 + times.count)))
  }

  @Test("xet's gate needs a whole transfer, too")
  func xetNeedsATransfer() {
    var course = RivalCourse(.xet)
    course.transfer(8, samples: 1_000, rate: { _ in 20e6 })
    #expect(course.decision.poolSize == 4)
  }

  @Test("xet goes up by nothing where a transfer would take a minute with one more")
  func xetTarget() {
    var course = RivalCourse(.xet)
    // 24 MB in 60 s, so 75 s with one more; ten times the rate, and it goes up.
    course.transfer(63, samples: 1_200, rate: { _ in 1.6e6 })
    #expect(course.bytes > 20_000_000)
    #expect(course.steps == [4])
    var fast = RivalCourse(.xet)
    fast.transfer(63, samples: 1_200, rate: { _ in 16e6 })
    #expect(fast.decision.poolSize > 4)
  }

  @Test("refusals take away one each half second, once the gate is open")
  func xetRefused() {
    var course = RivalCourse(.xet)
    for _ in 0..<20 { course.sample(refusals: 1) }
    #expect(course.decision.poolSize == 4)
    course.sample(gained: 20_000_000, refusals: 1)
    #expect(course.decision.poolSize == 3)
    for _ in 0..<10 { course.sample(refusals: 1) }
    #expect(course.decision.poolSize == 3)
    course.sample(refusals: 1)
    #expect(course.decision.poolSize == 2)
  }

  @Test("xet's regression finds base and bandwidth, and counts size times concurrency")
  func xetRegression() throws {
    var regression = XetRegression()
    let mebibyte = 1_048_576.0
    regression.add(bytes: mebibyte, seconds: 0.2, concurrency: 1, weight: 1)
    #expect(regression.predict(bytes: mebibyte, concurrency: 1) == nil)
    #expect(regression.quantile(seconds: 9, bytes: mebibyte, concurrency: 1) == 0.5)
    for megabytes in [2.0, 5, 10] {
      regression.add(
        bytes: megabytes * mebibyte, seconds: 0.1 + 0.1 * megabytes, concurrency: 1, weight: 1)
    }
    let four = try #require(regression.predict(bytes: 4 * mebibyte, concurrency: 1))
    #expect(abs(four.seconds - 0.5) < 1e-6)
    let shared = try #require(regression.predict(bytes: 2 * mebibyte, concurrency: 2))
    #expect(abs(shared.seconds - 0.5) < 1e-6)
  }

  @Test("xet's quantile: a half on the line, 0.95 at 1.645 standard errors of the line")
  func xetQuantile() throws {
    var regression = XetRegression()
    let mebibyte = 1_048_576.0
    for index in 0..<40 {
      let size = Double(1 + index % 10)
      let noise = index % 4 < 2 ? 0.01 : -0.01
      regression.add(
        bytes: size * mebibyte, seconds: 0.1 + 0.1 * size + noise, concurrency: 1, weight: 1)
    }
    let line = try #require(regression.predict(bytes: 5 * mebibyte, concurrency: 1))
    let error = try #require(line.error)
    // Of the line, not of a transfer: smaller than the noise.
    #expect((0.0005...0.005).contains(error))
    func quantile(_ errors: Double) -> Double {
      regression.quantile(
        seconds: line.seconds + errors * error, bytes: 5 * mebibyte, concurrency: 1)
    }
    #expect(abs(quantile(0) - 0.5) < 1e-9)
    #expect(abs(quantile(1.645) - 0.95) < 1e-3)
    #expect(quantile(-2) < 0.03)
  }

  @Test("xet's average halves after its half-life, and adds samples without their weight")
  func xetAverage() {
    var average = XetAverage(halfLife: 8)
    #expect(average.value == 0)
    average.add(1, weight: 8)
    average.add(0, weight: 8)
    #expect(abs(average.value - 0.5 / 12) < 1e-9)
    var small = XetAverage(halfLife: 8)
    small.add(1, weight: 0.1)
    #expect(abs(small.value - 10) < 1e-9)
  }
}
