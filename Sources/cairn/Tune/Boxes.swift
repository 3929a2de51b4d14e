import Pull
import Synchronization

/// Holds what a pull reports, from whichever thread.
final class ReportBox: Sendable {
  private let report = Mutex<PullReport?>(nil)

  var value: PullReport? { report.withLock { $0 } }

  func set(_ report: PullReport) { self.report.withLock { $0 = report } }
}

/// Stops whatever runs now, or what runs next where the wish came in between.
final class StopFlag: Sendable {
  private struct State {
    var isStopped = false
    var action: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())

  /// Stops it.
  func stop() {
    let action = state.withLock { state in
      state.isStopped = true
      return state.action
    }
    action?()
  }

  /// Names what runs now.
  func set(_ action: @escaping @Sendable () -> Void) {
    let isStopped = state.withLock { state in
      state.action = action
      return state.isStopped
    }
    if isStopped { action() }
  }
}
