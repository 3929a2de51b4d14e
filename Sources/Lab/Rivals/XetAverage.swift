import Tuning

/// xet-core's `ExpWeightedMovingAvg` with decay by count.
///
/// Source: huggingface/xet-core, `xet_core_structures/src/utils/exp_weighted_moving_avg.rs`, commit
/// 489b4eec. Its `update_with_weight` adds the sample itself, not the sample times its weight, to a
/// sum that is then divided by the sum of weights; so an average of samples with small weights
/// comes out too large. That is kept: `XetPolicy` would decide otherwise without it.
struct XetAverage: Sendable {
  /// Weight after which a sample counts half.
  let halfLife: Double
  private var weight = 0.0
  private var sum = 0.0

  init(halfLife: Double) { self.halfLife = halfLife }

  /// The average; 0 before the first sample.
  var value: Double { weight == 0 ? 0 : sum / weight }

  /// `update_with_weight`.
  mutating func add(_ sample: Double, weight added: Double = 1) {
    let decay = exp2(-added / halfLife)
    weight = weight * decay + added
    sum = sum * decay + sample
  }
}
