import OCI

/// How many bytes a second there were of late, of a count that only grows.
struct ByteRate: Sendable {
  /// Seconds that it looks back.
  static let window = 5.0
  /// Seconds between two points: a count of every chunk would be a long list.
  private static let step = 0.25
  private var points: [(seconds: Double, total: Int64)] = []
  private var last: (seconds: Double, total: Int64)?

  /// How many points are held.
  var held: Int { points.count }

  /// The count stands here.
  mutating func note(total: Int64, at seconds: Double) {
    if let newest = points.last, seconds - newest.seconds < Self.step {
      last = (seconds, total)
      return
    }
    // What came since then is in it: the rate counts from where it stood before.
    points.append((seconds, last?.total ?? 0))
    last = (seconds, total)
    points.removeAll { seconds - $0.seconds > Self.window }
  }

  /// The rate at a moment: what came in the seconds before it, by those.
  func perSecond(at seconds: Double) -> Double {
    guard let last, let oldest = points.first(where: { seconds - $0.seconds <= Self.window })
    else { return 0 }
    return Double(last.total.subtractingClamped(oldest.total))
      / max(seconds - oldest.seconds, Self.step)
  }
}
