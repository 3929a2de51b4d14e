import Foundation
import OCI
import Synchronization
import Tuning

/// Writes every sample and decision of a pull as JSON Lines; `docs/trace.md` documents them.
final class TraceFile: Sendable {
  private let handle: FileHandle
  private let hasFailed = Mutex(false)

  /// - Parameter path: a new file; one that exists is replaced.
  /// - Throws: `CommandFailure` where it cannot be written.
  init(path: String) throws {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else {
      throw CommandFailure(message: "the trace \(path) cannot be written", exitCode: 73)
    }
    self.handle = handle
  }

  /// Writes a step; a full disk ends the trace, not the pull.
  func write(_ step: TraceStep) {
    guard !hasFailed.withLock({ $0 }), let line = try? StableJSON.encode(step) else { return }
    do {
      try handle.write(contentsOf: line + Data("\n".utf8))
    } catch {
      hasFailed.withLock { $0 = true }
    }
  }
}
