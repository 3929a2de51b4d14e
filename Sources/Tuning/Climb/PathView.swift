/// What every rule may look at, put together once a sample.
struct PathView {
  let sample: Sample
  let senses: Senses
  /// When enough workers carried data after the last change of size.
  let landedAt: Moment

  var now: Moment { sample.now }
  /// Seconds since the pool landed.
  var since: Double { now - landedAt }
  var queue: QueueSense { senses.queue }
  var rates: RateLog { senses.rates }
  /// Seconds of a round trip on the idle path.
  var trip: Double { senses.queue.roundTrip }
  var isBursty: Bool { senses.bursts.areSeen }
  /// Seconds that must pass before throughput at a new size says anything.
  var judgingSeconds: Double { senses.judgingSeconds }

  /// What is full, so that more workers cannot help; nil: nothing is.
  func fullness(since start: Moment) -> PullRecord.Limit? {
    senses.fullness(sample, since: start)
  }

  /// Seconds that are left at a rate.
  func secondsLeft(_ rate: Double) -> Double { Double(sample.bytesLeft) / rate }
}
