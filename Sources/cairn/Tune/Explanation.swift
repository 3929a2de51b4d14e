import Downloads
import FoundationEssentials
import Glibc
import Pull
import Simulation
import Tuning

/// The decisions of a pull in words, for `--explain`.
enum Explanation {
  /// One line for each decision.
  ///
  /// - Parameter report: what the pull was like.
  static func text(_ report: PullReport) -> String {
    guard !report.decisions.isEmpty else { return "policy \(report.policy): nothing was fetched\n" }
    var lines = ["policy \(report.policy):"]
    for step in report.decisions { lines.append(line(step.decision, at: step.at)) }
    let record = report.record
    if let idle = record.idleRoundTripSeconds {
      lines.append(String(figures: "idle round trip %.2f ms", idle * 1e3))
    }
    for size in Set(record.epochs.map(\.poolSize)).sorted() {
      let epochs = record.epochs.filter { $0.poolSize == size && !$0.isAppLimited }
      let seconds = epochs.reduce(0) { $0 + $1.seconds }
      guard seconds > 0 else { continue }
      let rate = Double(epochs.reduce(0) { $0 + $1.bytes }) / seconds
      lines.append(
        String(
          figures: "%4d workers brought %7.2f MiB/s over %.1f s", size, rate / 1_048_576, seconds))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One line for each decision of a simulated pull.
  static func text(_ score: League.Score) -> String {
    let length = String(figures: "%.0f s", score.length)
    let names = [
      score.model.name, score.image, length, score.isWarm ? "warm" : "cold", score.policy.rawValue,
    ]
    let title =
      names.joined(separator: ", ")
      + String(
        figures: ": %.1f s, %.3f of the best (%d workers)", score.seconds, score.efficiency,
        score.bestSize)
    let lines = score.steps.map { line($0.decision, at: $0.sample.now.seconds) }
    return ([title] + lines).joined(separator: "\n") + "\n"
  }

  /// One line for each decision of each of the machines that shared a link.
  static func text(_ row: SimulationReport.CrowdRow) -> String {
    var lines: [String] = []
    for (index, machine) in row.outcome.machines.enumerated() {
      let began = String(figures: "began at %.1f s", machine.startedAt)
      lines.append("\(row.model), \(row.policy.rawValue), machine \(index + 1), \(began)")
      lines += machine.steps.map {
        line($0.decision, at: machine.startedAt + $0.sample.now.seconds)
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A decision, at so many seconds.
  static func line(_ decision: PoolDecision, at seconds: Double) -> String {
    let time = String(figures: "%8.2f s", seconds)
    let workers = String(figures: "%4d", decision.poolSize)
    return "\(time) \(workers) workers  \(decision.reason)"
  }
}
