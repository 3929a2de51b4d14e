import Downloads
import Pull
import Synchronization

/// Holds what a pull reports, from whichever thread.
final class ReportBox: Sendable {
  private let report = Mutex<PullReport?>(nil)

  var value: PullReport? { report.withLock { $0 } }

  func set(_ report: PullReport) { self.report.withLock { $0 = report } }
}
