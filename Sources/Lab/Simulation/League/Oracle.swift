import Tuning

/// The best fixed pool size in hindsight, for one image on one link.
package struct Oracle: Sendable {
  /// Seconds and connection-seconds at one pool size, means over seeds.
  package struct Point: Sendable {
    /// The pool size.
    package var poolSize: Int
    /// Mean seconds of a pull.
    package var seconds: Double
    /// Mean connection-seconds of a pull.
    package var connectionSeconds: Double
    /// Mean bytes per second.
    package var rate: Double
  }

  /// Every pool size that was tried, smallest first.
  package var points: [Point]

  /// Pool sizes that are tried: all the small ones, then steps of about a sixth.
  package static let sizes = [
    1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40, 48, 56, 64,
  ]

  /// Tries every pool size, the largest first.
  ///
  /// - Parameters:
  ///   - model: the link.
  ///   - image: the image.
  ///   - seeds: one run for each.
  ///   - sizes: pool sizes that are tried, smallest first.
  ///   - patience: a pull that takes this many times as long as the fastest so far is ended, and its size
  ///     has no point: it could be neither the best nor the polite one.
  package init(
    model: LinkModel, image: ImageModel, seeds: [UInt64], sizes: [Int] = Oracle.sizes,
    patience: Double = .infinity
  ) {
    points = []
    var fastest = Simulation.longest
    for size in sizes.reversed() {
      var point = Point(poolSize: size, seconds: 0, connectionSeconds: 0, rate: 0)
      let limit = min(Simulation.longest, fastest * patience)
      for seed in seeds where point.seconds.isFinite {
        let outcome = Simulation(model: model, seed: seed, limit: limit)
          .run(image, FixedPolicy(poolSize: size))
        point.seconds += outcome.seconds / Double(seeds.count)
        point.connectionSeconds += outcome.connectionSeconds / Double(seeds.count)
        point.rate += outcome.rate / Double(seeds.count)
      }
      guard point.seconds.isFinite || points.isEmpty else { continue }
      fastest = min(fastest, point.seconds)
      points.insert(point, at: 0)
    }
  }

  /// The fastest.
  package var best: Point {
    points.min { $0.seconds < $1.seconds } ?? points[0]
  }

  /// The smallest pool size within 2 % of the best.
  package var polite: Point {
    let bound = best.seconds * 1.02
    return points.first { $0.seconds <= bound } ?? best
  }
}
