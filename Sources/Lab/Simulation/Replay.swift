package import FoundationEssentials
import Text
package import Tuning

/// Why a trace cannot be read.
package struct TraceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The line, counted from 1.
  package let line: Int
  /// What is wrong with it.
  package let reason: String

  /// Makes an error.
  package init(line: Int, reason: String) {
    self.line = line
    self.reason = reason
  }

  /// One sentence.
  package var description: String { "line \(line) \(reason)" }
}

/// Runs a policy over a recorded trace.
///
/// The samples are what another policy's pool brought, so what this one would have caused stays unknown:
/// a replay shows what it would have said at each moment, not how fast the pull would have been.
package enum Replay {
  /// Reads JSON Lines that a pull wrote, and checks that they can be a trace.
  ///
  /// - Parameter data: the file's content; empty lines are left out.
  /// - Throws: `TraceError` for a line that is no step, or one with a number that no pull has.
  package static func read(_ data: Data) throws(TraceError) -> [TraceStep] {
    var steps: [TraceStep] = []
    for (index, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() {
      guard let step = try? OutsideJSON.decode(TraceStep.self, from: Data(line)) else {
        throw TraceError(line: index + 1, reason: "is not a step of a trace")
      }
      if let field = impossible(in: step.sample, after: steps.last?.sample) {
        throw TraceError(line: index + 1, reason: "has an impossible \(field)")
      }
      steps.append(step)
    }
    return steps
  }

  /// The first field that no pull has; policies count on all of these.
  private static func impossible(in sample: Sample, after last: Sample?) -> String? {
    let second: ClosedRange<Double> = 0...1e8
    let bytes: ClosedRange<Int64> = 0...(1 << 60)
    let workers = 0...100_000
    let readings = sample.readings
    let checks: [(String, Bool)] = [
      ("now", second.contains(sample.now.seconds) && sample.now >= last?.now ?? sample.now),
      ("poolSize", workers.contains(sample.poolSize)), ("open", workers.contains(sample.open)),
      ("carrying", workers.contains(sample.carrying)),
      ("bytesDone", bytes.contains(sample.bytesDone)),
      ("bytesLeft", bytes.contains(sample.bytesLeft)),
      ("firstByteSeconds", sample.firstByteSeconds.allSatisfy(second.contains)),
      ("connectSeconds", sample.connectSeconds.allSatisfy(second.contains)),
      (
        "refusal",
        sample.refusals.allSatisfy {
          second.contains($0.at.seconds) && workers.contains($0.served)
            && second.contains($0.retryAfter ?? 0)
        }
      ),
      ("roundTripSeconds", readings.roundTripSeconds.allSatisfy(second.contains)),
      ("smallestRoundTripSeconds", second.contains(readings.smallestRoundTripSeconds ?? 0)),
      ("engineBusy", (0...10).contains(readings.engineBusy)),
      ("diskBusy", (0...10).contains(readings.diskBusy)),
      ("held", (0...1).contains(readings.held ?? 0)),
    ]
    return checks.first { !$0.1 }?.0
  }

  /// Runs a policy.
  ///
  /// - Parameters:
  ///   - trace: recorded steps, in order, as `read` gives them.
  ///   - policy: what is asked.
  /// - Returns: the same samples with this policy's decisions.
  package static func run(_ trace: [TraceStep], _ policy: any Policy) -> [TraceStep] {
    guard let first = trace.first else { return [] }
    var policy = policy
    let bytes = first.sample.bytesDone + first.sample.bytesLeft
    _ = policy.start(
      Opening(bytes: bytes, roundTripSeconds: first.sample.readings.smallestRoundTripSeconds))
    return trace.map { TraceStep(sample: $0.sample, decision: policy.observe($0.sample)) }
  }
}
