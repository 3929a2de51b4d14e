import Testing

@testable import Tuning

/// Drives a policy over a path that a test makes up, sample by sample.
struct Drive {
  var policy: any Policy
  var now = 0.0
  var bytes: Int64 = 0
  var left: Int64 = 10_000_000_000
  var decision = PoolDecision(poolSize: 1, reason: "")
  var sizes: [Int] = []
  /// Told of each sample, and what was decided.
  var sampled: ((Sample, PoolDecision) -> Void)?
  /// What was said, each once in a row.
  var reasons: [String] = []

  init(_ policy: any Policy, roundTrip: Double = 0.02) {
    self.policy = policy
    decision = self.policy.start(Opening(bytes: left, blobs: 10, roundTripSeconds: roundTrip))
    sizes = [decision.poolSize]
  }

  /// Lets `seconds` pass on a path that brings `rate` bytes a second and has a queue.
  mutating func run(
    _ seconds: Double, roundTrip: Double = 0.02, refusals: [Sample.Refusal] = [],
    held: Double? = nil, busy: Double = 0,
    rate: (Int) -> Double, queue: (Int) -> Double
  ) {
    let end = now + seconds
    var refusals = refusals
    while now < end {
      now += 0.05
      let size = decision.poolSize
      let gained = Int64(rate(size) * 0.05)
      bytes += gained
      left -= gained
      let trip = roundTrip + queue(size)
      let sample = Sample(
        now: Moment(seconds: now), poolSize: size, open: size, carrying: size, bytesDone: bytes,
        bytesLeft: left, refusals: refusals,
        readings: Readings(
          roundTripSeconds: Array(repeating: trip, count: size),
          smallestRoundTripSeconds: roundTrip, engineBusy: busy, held: held))
      decision = policy.observe(sample)
      sampled?(sample, decision)
      refusals = []
      sizes.append(decision.poolSize)
      if reasons.last != decision.reason { reasons.append(decision.reason) }
    }
  }
}
