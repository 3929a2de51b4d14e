extension PathMemory {
  /// Throughput at one pool size: weighted mean and variance of its logarithm, and what it was at least.
  ///
  /// Measurements and lower bounds are kept apart. Where there are only bounds, `mean` is the
  /// highest of them and `busyWeight` 0, as in files of earlier versions, whose means may have
  /// bounds in them beside measurements.
  package struct Statistics: Sendable, Equatable, Codable {
    /// Seconds measured, fading with age.
    package var weight = 0.0
    /// Weighted mean of the natural logarithm of bytes per second.
    package var mean = 0.0
    /// Weighted sum of squared distances from the mean.
    package var squares = 0.0
    /// The part of `weight` in which every worker was busy.
    package var busyWeight = 0.0
    /// Pulls that it was measured in, fading with age.
    package var pulls = 0.0
    /// Beside measurements, the highest lower bound of the logarithm; nil: none is above `mean`.
    package var bound: Double?
    /// Seconds behind that bound, fading with age.
    package var boundWeight = 0.0

    /// Makes statistics; of nothing, until set.
    package init(
      weight: Double = 0, mean: Double = 0, squares: Double = 0, busyWeight: Double = 0
    ) {
      self.weight = weight
      self.mean = mean
      self.squares = squares
      self.busyWeight = busyWeight
    }

    private enum CodingKeys: String, CodingKey {
      case weight, mean, squares, busyWeight
    }

    /// Takes the statistics of other measurements in (Chan et al.'s rule).
    package mutating func merge(_ other: Statistics) {
      guard other.weight > 0 else { return }
      guard other.busyWeight > 0 else {
        bound(other.mean, weight: other.weight)
        return
      }
      beginMeasuring()
      let sum = weight + other.weight
      let delta = other.mean - mean
      squares += other.squares + delta * delta * weight * other.weight / sum
      mean += delta * other.weight / sum
      weight = sum
      busyWeight += other.busyWeight
      pulls += other.pulls
      if let known = other.bound { bound(known, weight: other.boundWeight) }
    }

    /// Takes a measurement with all workers busy in.
    mutating func add(_ value: Double, weight added: Double) {
      beginMeasuring()
      weight += added
      busyWeight += added
      let delta = value - mean
      mean += delta * added / weight
      // Rounding must not make it negative: no reader takes that.
      squares = max(0, squares + added * delta * (value - mean))
    }

    /// Takes in that it was at least so much.
    mutating func bound(_ value: Double, weight added: Double) {
      if busyWeight > 0 {
        guard value > bound ?? mean else { return }
        (bound, boundWeight) = (value, added)
      } else if weight <= 0 || value > mean {
        (mean, weight, squares) = (value, max(weight, added), 0)
      }
    }

    /// Makes it count less.
    ///
    /// - Parameter factor: 0 to 1.
    package mutating func fade(by factor: Double) {
      weight *= factor
      squares *= factor
      busyWeight *= factor
      pulls *= factor
      boundWeight *= factor
    }

    /// What was a lower bound alone stands beside measurements from now on.
    private mutating func beginMeasuring() {
      guard busyWeight <= 0, weight > 0 else { return }
      (bound, boundWeight) = (mean, weight)
      (mean, weight, squares) = (0, 0, 0)
    }
  }
}
