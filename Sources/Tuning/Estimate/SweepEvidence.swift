/// What a sweep measured: whole pulls of one image with every pool size, in random order.
package struct SweepEvidence: Sendable, Equatable {
  /// One pull.
  package struct Run: Sendable, Equatable {
    /// The pool size.
    package var poolSize: Int
    /// Seconds that it took.
    package var seconds: Double
    /// Bytes that it fetched.
    package var bytes: Int64

    /// Makes a run.
    package init(poolSize: Int, seconds: Double, bytes: Int64) {
      self.poolSize = poolSize
      self.seconds = seconds
      self.bytes = bytes
    }
  }

  /// What one pool size came to.
  package struct Point: Sendable, Equatable {
    /// The pool size.
    package var poolSize: Int
    /// Pulls.
    package var runs: Int
    /// Mean of the natural logarithm of bytes per second, opening and end included.
    package var logRate: Double
    /// Variance of that among the pulls.
    package var variance: Double

    /// Bytes per second.
    package var rate: Double { exp(logRate) }

    /// From and to where the rate lies with 95 % confidence, in bytes per second.
    package var spread: ClosedRange<Double> {
      let error = 1.96 * (variance / Double(max(1, runs))).squareRoot()
      return exp(logRate - error)...exp(logRate + error)
    }
  }

  /// The image.
  package var reference: String
  /// Seconds since its last pull.
  package var age: Double
  /// Pool sizes, smallest first.
  package let points: [Point]

  /// Part of the rate of ordinary pulls that it must have reached.
  private static let leastShare = 0.5
  /// Seconds for which it is preferred to what ordinary pulls show: four weeks.
  private static let freshness = 28 * 86_400.0

  /// Makes evidence of runs; nil where they show nothing.
  ///
  /// - Parameters:
  ///   - reference: the image.
  ///   - runs: its pulls, in any order.
  ///   - age: seconds since the last of them.
  package init?(reference: String, runs: [Run], age: Double) {
    let usable = runs.filter { $0.poolSize > 0 && $0.seconds > 0 && $0.bytes > 0 }
    guard !usable.isEmpty else { return nil }
    self.reference = reference
    self.age = max(0, age)
    points = Dictionary(grouping: usable, by: \.poolSize).map { size, runs in
      let logs = runs.map { log(Double($0.bytes) / $0.seconds) }
      let mean = logs.reduce(0, +) / Double(logs.count)
      let squares = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return Point(
        poolSize: size, runs: logs.count, logRate: mean,
        variance: squares / Double(max(1, logs.count - 1)))
    }.sorted { $0.poolSize < $1.poolSize }
  }

  /// Pulls in all.
  package var runs: Int { points.reduce(0) { $0 + $1.runs } }

  /// Whether its image was large enough for what it says of pool sizes to hold for the path.
  ///
  /// A pull of a few MiB is over before it is fast: which size is best for that says nothing of others.
  ///
  /// - Parameter rate: the logarithm of the most that ordinary pulls brought, in bytes per second; nil: they
  ///   brought nothing that was measured.
  func reaches(_ rate: Double?) -> Bool {
    guard let rate, let fastest = points.map(\.logRate).max() else { return true }
    return fastest > rate + log(Self.leastShare)
  }

  /// Whether it is preferred to what ordinary pulls show.
  package var isFresh: Bool { age <= Self.freshness }
}
