@testable import Rivals
@testable import Tuning

/// Drives a policy through responses that a test makes up, twenty samples a second.
struct RivalCourse {
  var policy: any Policy
  var now = 0.0
  var bytes: Int64 = 0
  var decision = PoolDecision(poolSize: 1, reason: "")
  /// The pool size after each sample, with its time.
  var sizes: [(at: Double, size: Int)] = []

  init(_ name: PolicyName, maximum: Int = 64) {
    policy = name.make(.init(cpus: 2, maximum: maximum))
    decision = policy.start(Opening(bytes: 10_000_000_000, blobs: 10))
  }

  /// The pool sizes one after another, beginning with the present or the first.
  var steps: [Int] {
    sizes.map(\.size).reduce(into: []) { steps, size in
      if steps.last != size { steps.append(size) }
    }
  }

  /// Takes one sample 50 ms after the last.
  mutating func sample(
    gained: Int64 = 0, carrying: Int? = nil, firstBytes: [Double] = [], refusals: Int = 0
  ) {
    now += 0.05
    bytes += gained
    let size = decision.poolSize
    decision = policy.observe(
      Sample(
        now: Moment(seconds: now), poolSize: size, open: carrying ?? size,
        carrying: carrying ?? size, bytesDone: bytes, bytesLeft: 10_000_000_000 - bytes,
        firstByteSeconds: firstBytes,
        refusals: Array(
          repeating: .init(at: Moment(seconds: now), served: size, retryAfter: nil),
          count: refusals)))
    sizes.append((now, decision.poolSize))
  }

  /// Lets whole samples pass on a path that brings `rate` bytes a second.
  mutating func run(_ seconds: Double, rate: (Int) -> Double) {
    for _ in 0..<Int((seconds / 0.05).rounded()) {
      sample(gained: Int64((rate(decision.poolSize) * 0.05).rounded()))
    }
  }

  /// Lets every worker fetch one transfer after another, each of `samples` samples.
  mutating func transfer(
    _ seconds: Double, samples: Int = 20, rate: (Int) -> Double = { _ in 4e6 }
  ) {
    for index in 0..<Int((seconds / 0.05).rounded()) {
      let size = decision.poolSize
      let begins = index % samples == 0
      sample(
        gained: Int64((rate(size) * 0.05).rounded()),
        firstBytes: begins ? Array(repeating: 0.02, count: size) : [])
    }
  }
}
