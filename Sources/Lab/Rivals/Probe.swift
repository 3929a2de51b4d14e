import Tuning

/// Measures throughput over stretches of fixed length, as most published controllers do.
struct Probe: Sendable {
  /// Seconds of one stretch.
  let seconds: Double
  /// Seconds at its beginning that do not count, so that new workers get going first.
  let skipped: Double
  private var start: Moment?
  private var mark: (at: Moment, bytes: Int64)?

  init(seconds: Double, skipping skipped: Double = 0) {
    self.seconds = seconds
    self.skipped = skipped
  }

  /// Bytes per second of a stretch, at the sample that ends it.
  mutating func observe(_ sample: Sample) -> Double? {
    let begun = start ?? sample.now
    start = begun
    if mark == nil, sample.now - begun >= skipped { mark = (sample.now, sample.bytesDone) }
    guard let mark, sample.now - begun >= seconds, sample.now > mark.at else { return nil }
    let rate = Double(sample.bytesDone - mark.bytes) / (sample.now - mark.at)
    start = sample.now
    self.mark = skipped > 0 ? nil : (sample.now, sample.bytesDone)
    return rate
  }
}
