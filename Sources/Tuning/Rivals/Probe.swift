/// Measures throughput over stretches of fixed length, as most published controllers do.
struct Probe: Sendable {
  /// Seconds of one stretch.
  let seconds: Double
  private var at: Moment?
  private var bytes: Int64 = 0

  init(seconds: Double) { self.seconds = seconds }

  /// Bytes per second of a stretch, at the sample that ends it.
  mutating func observe(_ sample: Sample) -> Double? {
    guard let start = at else {
      at = sample.now
      bytes = sample.bytesDone
      return nil
    }
    let span = sample.now - start
    guard span >= seconds else { return nil }
    let rate = Double(sample.bytesDone - bytes) / span
    at = sample.now
    bytes = sample.bytesDone
    return rate
  }
}
