import Tuning

/// Recent throughput of one request, in bytes per second, over a sliding window of one to two spans.
struct RateEstimate: Sendable {
  /// Seconds that a reading should cover before an older one is forgotten.
  static let span = 1.0
  /// A reading over less time than this says nothing.
  static let shortest = 0.05

  private var older: (at: Moment, position: Int64)
  private var newer: (at: Moment, position: Int64)
  private var latest: (at: Moment, position: Int64)

  init(at moment: Moment, position: Int64) {
    older = (moment, position)
    newer = older
    latest = older
  }

  mutating func note(_ position: Int64, at now: Moment) {
    if now - newer.at >= Self.span {
      older = newer
      newer = (now, position)
    }
    latest = (now, position)
  }

  /// Bytes per second up to `now`, over a whole span at least; nil where it has not lasted that long.
  func settledBytesPerSecond(at now: Moment) -> Double? {
    now - older.at >= Self.span ? bytesPerSecond(at: now) : nil
  }

  /// Bytes per second up to `now`; nil until there is enough to say.
  func bytesPerSecond(at now: Moment) -> Double? {
    let seconds = max(now, latest.at) - older.at
    let bytes = latest.position - older.position
    guard seconds >= Self.shortest, bytes > 0 || seconds >= Self.span else { return nil }
    return Double(bytes) / seconds
  }
}
