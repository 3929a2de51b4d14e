import FoundationEssentials
import Progress

extension TraceID {
  /// Of this run.
  static let ofProcess = TraceID(environment: ProcessInfo.processInfo.environment)
}
