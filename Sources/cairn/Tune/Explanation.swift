import Foundation
import Pull

/// The decisions of a pull in words, for `--explain`.
enum Explanation {
  /// One line for each decision.
  ///
  /// - Parameter report: what the pull was like.
  static func text(_ report: PullReport) -> String {
    var lines = ["policy \(report.policy):"]
    for step in report.decisions {
      let time = String(format: "%8.2f s", step.at)
      let workers = String(format: "%4d", step.decision.poolSize)
      lines.append("\(time) \(workers) workers  \(step.decision.reason)")
    }
    let record = report.record
    if let idle = record.idleRoundTripSeconds {
      lines.append(String(format: "idle round trip %.2f ms", idle * 1e3))
    }
    for size in Set(record.epochs.map(\.poolSize)).sorted() {
      let epochs = record.epochs.filter { $0.poolSize == size && !$0.isAppLimited }
      let seconds = epochs.reduce(0) { $0 + $1.seconds }
      guard seconds > 0 else { continue }
      let rate = Double(epochs.reduce(0) { $0 + $1.bytes }) / seconds
      lines.append(
        String(format: "%4d workers brought %7.2f MB/s over %.1f s", size, rate / 1e6, seconds))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
