import Glibc

/// Seconds on a monotonic clock, and how many of them went into blocked disk writes.
///
/// Touched by the engine's thread only.
final class NetworkClock {
  /// Seconds that disk writes took so far: no server's fault, so stall rules leave them out.
  private(set) var diskSeconds = 0.0

  /// Seconds since some fixed moment; never goes back.
  var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// `now` without the time lost to the disk.
  var networkNow: Double { now - diskSeconds }

  /// Runs a write and notes the time it took.
  func disk<Result>(_ write: () -> Result) -> Result {
    let start = now
    defer { diskSeconds += now - start }
    return write()
  }
}
