import Tuning

/// A line's bandwidth, which wanders around what it is said to be.
///
/// It has random numbers of its own, so that it wanders alike whatever the connections do.
struct WanderingBandwidth {
  private var random: RandomSource
  private var noise = 0.0

  /// Seconds over which the noise is remembered.
  private static let memory = 1.0
  /// The least that is left of the bandwidth, as a share.
  private static let least = 0.1

  init(seed: UInt64) { random = RandomSource(seed: seed) }

  /// Bytes per second in the next step.
  ///
  /// - Parameters:
  ///   - model: the link as it is now.
  ///   - seconds: of the step.
  mutating func next(_ model: LinkModel, seconds: Double) -> Double {
    guard model.rateNoise > 0 else { return model.bandwidth }
    let pull = seconds / Self.memory
    var gaussian = -6.0
    for _ in 0..<12 { gaussian += Double.random(in: 0..<1, using: &random) }
    noise += -noise * pull + model.rateNoise * (2 * pull).squareRoot() * gaussian
    return model.bandwidth * max(Self.least, 1 + noise)
  }
}
