/// The rate of late: bytes over the last seconds.
struct RateMeter: Sendable {
  /// Seconds that the rate looks back.
  static let window = 3.0
  private var points: [(seconds: Double, bytes: Int64)] = []

  mutating func note(_ bytes: Int64, at seconds: Double) {
    points.append((seconds, bytes))
    while points.count > 2, seconds - points[1].seconds > Self.window { points.removeFirst() }
  }

  var bytesPerSecond: Double {
    guard let first = points.first, let last = points.last, last.seconds > first.seconds else {
      return 0
    }
    return (Double(last.bytes) - Double(first.bytes)) / (last.seconds - first.seconds)
  }
}
