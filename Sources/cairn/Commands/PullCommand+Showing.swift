import Disk
import FoundationEssentials
import Glibc
import Progress
import Store

/// What a pull shows and prints, and where.
extension PullCommand {
  /// Writes down what was measured, also of a run that was interrupted.
  func leave(_ ledger: PullLedger) async {
    guard let metrics else { return }
    let text = ledger.text()
    // What is cancelled writes nothing more: this is no part of it.
    let lost = await Task.detached { () -> String? in
      do { try write(text, to: metrics) } catch { return (error as? CommandFailure)?.message }
      return nil
    }.value
    if let lost { LineOutput.standardError.write("warning: \(lost.linesShownSafely)\n") }
  }

  /// Whether standard output is that of an archive, the trace or the metrics, and nothing else's.
  var takesStandardOutput: Bool {
    output.contains { (try? OutputTarget($0))?.isStandardOutput ?? false }
      || [trace, metrics].contains { $0.map { OutputFile.isStandardOutput($0) } ?? false }
  }

  func makeDisplay() -> any ProgressDisplay {
    if quiet { return WarningDisplay() }
    switch progress {
    case .none: return WarningDisplay()
    case .json:
      return JSONDisplay(toStandardError: takesStandardOutput, traceID: .ofProcess)
    case .plain: return PlainDisplay()
    case .bar: return BarDisplay()
    case .auto:
      let isDumb = ProcessInfo.processInfo.environment["TERM"].map { $0 == "dumb" } ?? true
      return DrawingPlace.isOurs && !isDumb ? BarDisplay() : PlainDisplay()
    }
  }
}
