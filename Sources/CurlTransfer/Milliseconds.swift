/// Seconds as libcurl takes them.
enum Milliseconds {
  /// The most that libcurl is told, in seconds; settings may name any number.
  private static let most = 1e6

  /// Whole milliseconds, at least 1: 0 means without an end.
  static func whole(_ seconds: Double) -> Int {
    max(1, Int(exactly: (min(seconds, most) * 1_000).rounded()) ?? 1)
  }
}
