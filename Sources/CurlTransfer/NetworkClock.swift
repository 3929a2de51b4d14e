import Glibc
import Synchronization
import Transfer

/// Seconds on a monotonic clock, and how many of them the engine's thread spent at work and in
/// blocked disk writes.
///
/// The thread tells it what it is at; any other may read.
final class NetworkClock: Sendable {
  /// When the thread did not wait for the network.
  let work = WorkTime()
  /// When it wrote to disk.
  private let writing = WorkTime()
  /// When its own limit of the rate held a transfer back.
  private let holding = WorkTime()
  /// The thread's, once it runs.
  private let load = Mutex<ThreadLoad?>(nil)

  /// Seconds since some fixed moment; never goes back.
  var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Seconds that disk writes took so far: no server's fault, so stall rules leave them out.
  var diskSeconds: Double { writing.seconds(at: now) }

  /// `now` without the time lost to the disk.
  var networkNow: Double {
    let now = now
    return now - writing.seconds(at: now)
  }

  /// Seconds in which the engine's own limit of the rate held transfers back.
  var heldSeconds: Double { holding.seconds(at: now) }

  /// Seconds in which the thread ran or waited for a CPU; nil: nobody knows.
  var runnableSeconds: Double? { load.withLock { $0 }?.runnableSeconds }

  /// Told by the engine's thread that it is the one.
  func watchThisThread() { load.withLock { $0 = ThreadLoad() } }

  /// Told by the engine's thread whether its limit holds a transfer back from now on.
  func holds(_ isHeld: Bool) { isHeld ? holding.goOn(at: now) : holding.end(at: now) }

  /// Runs a write and notes the time it took.
  func disk<Result>(_ write: () -> Result) -> Result {
    writing.begin(at: now)
    defer { writing.end(at: now) }
    return write()
  }
}
