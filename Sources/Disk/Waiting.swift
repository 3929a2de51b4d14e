import Glibc

/// Waits that end when the task is cancelled.
enum Waiting {
  /// How often it is looked whether the task was cancelled, in milliseconds.
  private static let look: Int32 = 100

  /// Does nothing for a while.
  ///
  /// - Throws: the error that is given where the task was cancelled.
  static func pause(_ seconds: Double, _ interruption: DiskError) throws(DiskError) {
    guard !Task.isCancelled else { throw interruption }
    poll(nil, 0, milliseconds(seconds))
  }

  /// As `poll` takes them: a day at most.
  private static func milliseconds(_ seconds: Double) -> Int32 {
    Int32(exactly: (min(max(seconds, 0), 86_400) * 1_000).rounded()) ?? 0
  }

  /// Waits until a descriptor can be read from or written to.
  ///
  /// - Parameters:
  ///   - events: of `poll`.
  ///   - seconds: how long at most; nil: without an end.
  /// - Returns: false where the time is over.
  /// - Throws: the error that is given where the task was cancelled.
  static func until(
    _ descriptor: Int32, _ events: Int32, seconds: Double? = nil, _ interruption: DiskError
  ) throws(DiskError) -> Bool {
    var left = seconds.map { milliseconds($0) }
    while true {
      guard !Task.isCancelled else { throw interruption }
      var waiting = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      let step = min(look, left ?? look)
      // What cannot be waited for is ready, or says so when it is used.
      if poll(&waiting, 1, step) != 0, waiting.revents != 0 { return true }
      if let known = left {
        guard known > step else { return false }
        left = known - step
      }
    }
  }
}
