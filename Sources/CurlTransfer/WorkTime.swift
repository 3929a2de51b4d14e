import Synchronization

/// Seconds that one thread spent on something; others may read them while it is still at it.
///
/// A thread that is held up for seconds (by a slow disk) cannot publish what it measures of itself:
/// whoever wants to know has to see the work that has not ended.
final class WorkTime: Sendable {
  private struct State {
    var ended = 0.0
    var since: Double?
  }

  private let state = Mutex(State())

  /// Work begins.
  func begin(at now: Double) { state.withLock { $0.since = now } }

  /// It begins, or goes on.
  func goOn(at now: Double) { state.withLock { $0.since = $0.since ?? now } }

  /// It ends.
  func end(at now: Double) {
    state.withLock {
      if let since = $0.since { $0.ended += max(0, now - since) }
      $0.since = nil
    }
  }

  /// Seconds of all work so far, the present one's included.
  func seconds(at now: Double) -> Double {
    state.withLock { $0.ended + ($0.since.map { max(0, now - $0) } ?? 0) }
  }
}
