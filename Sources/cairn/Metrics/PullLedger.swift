import CairnKit
import Downloads
import FoundationEssentials
import Progress
import Synchronization

/// What happens in a run of `cairn pull`, as far as it is measured: a display that counts, and passes on.
final class PullLedger: ProgressDisplay {
  private let display: any ProgressDisplay
  private let metrics: Mutex<PullMetrics>

  /// - Parameters:
  ///   - display: shows what happens.
  ///   - now: seconds since 1970.
  init(_ display: any ProgressDisplay, now: Double = Date().timeIntervalSince1970) {
    self.display = display
    var metrics = PullMetrics()
    metrics.version = Cairn.version
    metrics.startedAt = now
    self.metrics = Mutex(metrics)
  }

  func show(_ event: ProgressEvent) {
    switch event {
    case .waiting(let seconds, _):
      metrics.withLock {
        $0.waits += 1
        $0.waitedSeconds += seconds
      }
    case .warning: metrics.withLock { $0.warnings += 1 }
    default: break
    }
    display.show(event)
  }

  /// Notes registries that will be asked.
  func begin(_ registries: Set<String>) {
    metrics.withLock { metrics in
      for registry in registries { metrics.registries[registry, default: .init()].pulled += 0 }
    }
  }

  /// Notes what downloads from a registry were like.
  func note(_ report: PullReport) {
    metrics.withLock { $0.registries[report.registry, default: .init()].add(report) }
  }

  /// Notes what became of an image.
  func note(_ outcome: PullSession.Outcome) {
    metrics.withLock { metrics in
      let registry = outcome.reference.registry
      switch outcome.result {
      case .success: metrics.registries[registry, default: .init()].pulled += 1
      case .failure(let failure):
        metrics.registries[registry, default: .init()].failures[failure.kind, default: 0] += 1
      }
    }
  }

  /// Notes that the run failed, and why where no image is to blame.
  func note(_ failure: CommandFailure) {
    metrics.withLock { metrics in
      metrics.exitCode = failure.exitCode
      guard metrics.registries.values.allSatisfy(\.failures.isEmpty) else { return }
      metrics.registries["", default: .init()].failures[failure.kind, default: 0] += 1
    }
  }

  /// As OpenMetrics text.
  ///
  /// - Parameter now: seconds since 1970.
  func text(now: Double = Date().timeIntervalSince1970) -> String {
    metrics.withLock { metrics in
      metrics.endedAt = now
      return metrics.text
    }
  }
}
