import Testing

@testable import Tuning

@Suite("Evidence of a pull")
struct WitnessTests {
  /// Evidence of samples over 10 s, twenty a second: 1 MB/s for each of 4 connections, of 8 from
  /// the fifth second on.
  static func evidence(
    _ limits: PullLimits = .init(), prior: Prior? = nil, _ change: (inout Sample) -> Void = { _ in }
  ) -> PullEvidence {
    var witness = Witness(limits: limits, prior: prior)
    var bytes = 0.0
    for step in 0...200 {
      let now = Double(step) * 0.05
      let size = now < 5 ? 4 : 8
      bytes += Double(size) * 1e6 * 0.05
      var sample = Sample(
        now: Moment(seconds: now), poolSize: size, open: size, carrying: size,
        bytesDone: Int64(bytes), bytesLeft: 1_000_000_000,
        readings: Readings(
          roundTripSeconds: [0.02], smallestRoundTripSeconds: 0.02, disordered: 0))
      change(&sample)
      witness.observe(sample)
    }
    return witness.evidence(at: Moment(seconds: 10))
  }

  @Test("rates are kept by the connections that carried data, without slow start")
  func levels() {
    let levels = Self.evidence().levels
    #expect(levels.map(\.connections) == [4, 8])
    for level in levels { #expect(abs(level.each - 1e6) < 5e4) }
    #expect(levels.allSatisfy { $0.seconds < 4.9 && $0.seconds > 4 })
  }

  @Test("times of what was seen are parts of the time with bytes")
  func shares() {
    let evidence = Self.evidence(PullLimits(workers: 8, origin: .user)) {
      if $0.now.seconds < 2 { $0.readings.roundTripSeconds = [0.05] }
      if $0.now.seconds > 7 { $0.readings.engineBusy = 1 }
      if $0.now.seconds > 9 { $0.readings.diskBusy = 1 }
    }
    #expect(abs(evidence.shares.queue - 0.2) < 0.05)
    #expect(abs(evidence.shares.cpu - 0.15) < 0.06)
    #expect(abs(evidence.shares.disk - 0.1) < 0.03)
    #expect(abs(evidence.shares.atMost - 0.5) < 0.02)
    #expect(abs((evidence.queueSeconds ?? 0) - 0.03) < 0.005)
  }

  @Test("refusals, disorder and unlike requests are counted")
  func counts() {
    let evidence = Self.evidence {
      let second = $0.now.seconds
      if second == 6 { $0.refusals = [.init(at: $0.now, served: 7, retryAfter: nil)] }
      $0.readings.disordered = second < 5 ? 1 : 0
      if second > 8 { $0.endedRates = [second < 9 ? 1e6 : 2e6] }
    }
    #expect(evidence.refusals == 1)
    #expect(evidence.servedAtRefusal == 7)
    #expect(abs(evidence.shares.atServed - 0.4) < 0.02)
    #expect(abs((evidence.disorder ?? 0) - 99 / 60) < 0.1)
    #expect((evidence.spread ?? 0) > 0.2)
  }

  @Test("where disorder cannot be known, it is not known to be none")
  func unknownDisorder() {
    #expect(Self.evidence { $0.readings.disordered = nil }.disorder == nil)
  }

  @Test("earlier pulls count where they are this path's own, with all workers busy")
  func earlier() {
    let points = [
      Prior.Point(poolSize: 4, logRate: log(4e6), variance: 0, weight: 9),
      Prior.Point(poolSize: 16, logRate: log(9e6), variance: 0, weight: 9, busyWeight: 0),
    ]
    let own = Self.evidence(prior: Prior(points: points)).earlier
    #expect(own.map(\.connections) == [4])
    #expect(own.allSatisfy { abs($0.rate - 4e6) < 1 })
    #expect(Self.evidence(prior: Prior(points: points, isOwn: false)).earlier.isEmpty)
  }
}
