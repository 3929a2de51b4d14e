import Tuning

/// Tells a denial from a server that serves so many requests at a time, and has 401 or 403 for the others.
///
/// | what is denied | is |
/// |---|---|
/// | beside others, or right after bytes came | refused for load: it waits, and fewer ask |
/// | alone | doubtful, and believed at the fifth time in a row |
/// | beside others, four times in a row | asked for alone: others end, and none begins before it |
struct Denials: Sendable, Equatable {
  /// Seconds after the last byte in which a server may not have counted its end yet.
  static let wake = 0.5

  /// The blob that nothing else is asked for beside.
  private(set) var lone: BlobID?

  /// Whether a request was denied alone.
  ///
  /// - Parameters:
  ///   - startedAt: when it was made.
  ///   - others: requests that are still under way.
  ///   - progress: when bytes came for the last time; nil: none did.
  func isAlone(startedAt: Moment, others: Int, progress: Moment?) -> Bool {
    others == 0 && progress.map { startedAt - $0 >= Self.wake } ?? true
  }

  /// Has a blob asked for alone.
  mutating func isolate(_ blob: BlobID) { lone = lone ?? blob }

  /// Its request is over, or nobody wants it any more.
  mutating func noteEnd(of blob: BlobID) { if lone == blob { lone = nil } }
}
