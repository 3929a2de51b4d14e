import Disk
import FoundationEssentials
import Pull
import Simulation
import Tuning

/// What a policy would have said to a recorded trace.
struct ReplayReport {
  /// A line for each change of the recorded or of the replayed pool size.
  let text: String

  /// Largest trace that is read, in bytes.
  private static let sizeLimit = 1 << 30

  /// - Parameters:
  ///   - file: JSON Lines that `cairn pull --trace` wrote.
  ///   - policy: what is asked.
  /// - Throws: `CommandFailure` that names the line.
  init(file: String, policy: PolicyName) throws {
    let trace = try Self.read(file)
    let context = PolicyName.Context(cpus: Machine.effectiveCPUs)
    let replayed = Replay.run(trace, policy.make(context))
    var lines = ["   seconds     MiB/s  recorded  \(policy.rawValue)"]
    var last: (Int, PoolDecision)?
    var seen = (at: 0.0, bytes: Int64(0))
    for (recorded, step) in zip(trace, replayed) {
      let now = step.sample.now.seconds
      let isNews =
        last.map {
          $0.0 != recorded.decision.poolSize || $0.1.poolSize != step.decision.poolSize
            || $0.1.reason != step.decision.reason
        } ?? true
      guard isNews else { continue }
      let rate = Double(step.sample.bytesDone - seen.bytes) / max(0.001, now - seen.at) / 1_048_576
      lines.append(
        String(
          figures: "%10.2f  %8.2f  %8d  %5d  ", now, rate, recorded.decision.poolSize,
          step.decision.poolSize) + step.decision.reason)
      last = (recorded.decision.poolSize, step.decision)
      seen = (now, step.sample.bytesDone)
    }
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func read(_ file: String) throws -> [TraceStep] {
    let data = Data(try readInput(file, what: "trace", limit: sizeLimit))
    do throws(TraceError) {
      return try Replay.read(data)
    } catch {
      throw CommandFailure(message: "\(file), \(error)", exitCode: 65)
    }
  }
}
