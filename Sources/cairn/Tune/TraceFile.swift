import Disk
import FoundationEssentials
import Glibc
import OCI
import Progress
import Synchronization
import Tuning

/// Writes every sample and decision of a pull as JSON Lines; `docs/trace.md` documents them.
final class TraceFile: Sendable {
  /// A step, and whose it is.
  private struct Line: Encodable {
    let step: TraceStep

    private enum Keys: CodingKey { case traceId }

    func encode(to encoder: any Encoder) throws {
      try step.encode(to: encoder)
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(TraceID.ofProcess.description, forKey: .traceId)
    }
  }

  private let output: OutputFile
  private let hasFailed = Mutex(false)

  /// - Parameter path: a file, which is replaced and can be read while it grows, or a pipe, a
  ///   device or `-`, which are written.
  /// - Throws: `CommandFailure` where it cannot be written.
  init(path: String) throws {
    do throws(DiskError) {
      output = try OutputFile(path, isLive: true) { LineOutput.standardError.write("\($0)\n") }
    } catch {
      throw CommandFailure(message: "the trace: \(error)", kind: .disk)
    }
  }

  /// Writes a step; a full disk or a reader that went away ends the trace, not the pull, and the
  /// former is said.
  func write(_ step: TraceStep) {
    guard !hasFailed.withLock({ $0 }), let line = try? StableJSON.encode(Line(step: step)) else {
      return
    }
    do throws(DiskError) {
      try output.write(line + Data("\n".utf8))
    } catch {
      hasFailed.withLock { $0 = true }
      guard error.code != EPIPE else { return }
      LineOutput.standardError.write("warning: the trace is not whole: \(error)\n")
    }
  }
}
