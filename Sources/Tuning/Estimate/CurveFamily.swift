/// The shapes that throughput against pool size can have, as far as an estimate reckons with them.
///
/// `n / (1 + (n / knee)^sharpness)^(1 / sharpness)`: each connection brings its part until the line
/// is full, sharply (a limit per connection) or gradually (others on the line, losses); beyond an
/// onset, where there is one, each further worker slows all of them (`1 / (1 + slope (n -
/// onset))`).
enum CurveFamily {
  /// One shape.
  struct Shape: Sendable {
    /// The natural logarithm of throughput at each of `sizes`, but for a constant.
    let logRates: [Double]
    /// How likely it is before anything was measured, but for a constant.
    let prior: Double
    /// At each of `sizes`, which is the smallest within 2 % of the best up to there.
    let smallest: [Int]
  }

  /// Pool sizes at which shapes are known: all the small ones, then steps of about a sixteenth.
  static let sizes: [Int] = {
    var sizes = [1]
    while let last = sizes.last, last < 1_024 { sizes.append(max(last + 1, last * 17 / 16)) }
    return sizes
  }()

  /// What a pool size may bring less than the best to be as good.
  static let tolerance = 0.98

  /// All of them.
  static let all: [Shape] = {
    var shapes: [Shape] = []
    for sharpness in sharpnesses {
      for step in 0..<knees.count {
        let knee =
          knees.first * pow(knees.last / knees.first, Double(step) / Double(knees.count - 1))
        shapes.append(shape(knee, sharpness, overload: nil, prior: 1 - overloaded))
        for onset in onsets {
          for slope in slopes {
            shapes.append(
              shape(
                knee, sharpness, overload: (onset, slope),
                prior: overloaded / Double(onsets.count * slopes.count)))
          }
        }
      }
    }
    return shapes
  }()

  private static let sharpnesses = [1.0, 1.5, 3, 10, 50]
  private static let knees = (first: 0.5, last: 250.0, count: 40)
  private static let onsets = [2.0, 5, 10, 18, 32]
  private static let slopes = [0.03, 0.1]
  /// How often a server or path is overloaded by many workers.
  private static let overloaded = 0.15

  private static func shape(
    _ knee: Double, _ sharpness: Double, overload: (onset: Double, slope: Double)?, prior: Double
  ) -> Shape {
    let logRates = sizes.map { size in
      let n = Double(size)
      let base = log(n) - log(1 + pow(n / knee, sharpness)) / sharpness
      guard let overload, n > overload.onset else { return base }
      return base - log(1 + overload.slope * (n - overload.onset))
    }
    return Shape(logRates: logRates, prior: prior, smallest: smallest(logRates))
  }

  private static func smallest(_ logRates: [Double]) -> [Int] {
    var best = -Double.infinity
    var chosen = 0
    return logRates.indices.map { place in
      best = max(best, logRates[place])
      while logRates[chosen] < best + log(tolerance) { chosen += 1 }
      return chosen
    }
  }

  /// Where a pool size lies among `sizes`: the place at or below it, and how far it is to the next.
  static func place(of size: Int) -> (index: Int, share: Double) {
    let last = sizes.count - 1
    guard size < sizes[last] else { return (last, 0) }
    let above = sizes.firstIndex { $0 > size } ?? last
    guard above > 0 else { return (0, 0) }
    let (low, high) = (log(Double(sizes[above - 1])), log(Double(sizes[above])))
    return (above - 1, (log(Double(max(1, size))) - low) / (high - low))
  }
}

extension CurveFamily.Shape {
  /// The logarithm of throughput at a place of `CurveFamily.sizes`.
  func logRate(at place: (index: Int, share: Double)) -> Double {
    guard place.share > 0 else { return logRates[place.index] }
    return logRates[place.index] * (1 - place.share) + logRates[place.index + 1] * place.share
  }
}
