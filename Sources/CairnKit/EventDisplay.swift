import Progress
import Synchronization

/// A display that tells a caller's closure, one event at a time.
final class EventDisplay: ProgressDisplay {
  private let tell: @Sendable (PullEvent) -> Void
  private let turn = Mutex(())

  init(_ tell: @escaping @Sendable (PullEvent) -> Void) { self.tell = tell }

  func show(_ event: ProgressEvent) {
    guard let event = PullEvent(event) else { return }
    turn.withLock { _ in tell(event) }
  }
}
