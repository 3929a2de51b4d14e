import Progress
import Synchronization

/// What is shown of the pulls of a sweep, and how long they waited for a server that had enough.
final class SweepDisplay: ProgressDisplay {
  private let waited = Mutex(0.0)

  /// Seconds for which servers asked to wait.
  var secondsWaited: Double { waited.withLock { $0 } }

  func show(_ event: ProgressEvent) {
    if case .waiting(let seconds, _) = event { waited.withLock { $0 += seconds } }
    guard let line = PlainRenderer.notice(event) else { return }
    LineOutput.standardError.write("\n\(line)\n")
  }
}
