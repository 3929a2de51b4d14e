import Disk
import FoundationEssentials
import Plot
import Pull
import Rivals
import Simulation
import Tuning

/// What a policy would have said to a recorded trace.
struct ReplayReport {
  /// A line for each change of the recorded or of the replayed pool size.
  let text: String
  /// Both pool sizes over time.
  let plot: Plot

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
    plot = Self.plot(trace, replayed, policy)
  }

  private static func plot(
    _ trace: [TraceStep], _ replayed: [TraceStep], _ policy: PolicyName
  ) -> Plot {
    Plot(
      title: "What \(policy.rawValue) says to a recorded pull", xLabel: "seconds",
      yLabel: "workers",
      series: [
        .init(name: "recorded", style: .line, points: stairs(trace)),
        .init(name: policy.rawValue, style: .line, points: stairs(replayed)),
      ])
  }

  /// A pool size holds until the next one: a corner before and after each change.
  private static func stairs(_ steps: [TraceStep]) -> [Plot.Point] {
    var points: [Plot.Point] = []
    for step in steps {
      let point = Plot.Point(x: step.sample.now.seconds, y: Double(step.decision.poolSize))
      if let last = points.last, last.y != point.y {
        points.append(Plot.Point(x: point.x, y: last.y))
      } else if points.count > 1, points[points.count - 2].y == point.y {
        points.removeLast()
      }
      points.append(point)
    }
    return points
  }

  private static func read(_ file: String) throws -> [TraceStep] {
    let data = Data(try readInput(file, what: "trace", limit: sizeLimit))
    do throws(TraceError) {
      return try Replay.read(data)
    } catch {
      throw CommandFailure(message: "\(file), \(error)", kind: .integrity)
    }
  }
}
