import Glibc
import OCI
import Progress
import Pull
import Store

/// A failed command: what is said on standard error, and the exit code.
struct CommandFailure: Error {
  var message: String
  var hint: String?
  let exitCode: Int32
  /// True where a display that shows errors has said it already.
  var isSilent = false
  /// Whether the display was told.
  var isTold = false

  init(message: String, hint: String? = nil, exitCode: Int32) {
    self.message = message
    self.hint = hint
    self.exitCode = exitCode
  }

  init(_ error: PullError, signal: Int32? = nil) {
    message = error.description
    hint = error.hint
    exitCode = Self.exitCode(error.category, signal: signal)
  }

  init(_ error: StoreError) { self.init(.store(error)) }

  func report() {
    guard !isSilent else { return }
    // Servers' words were cleaned where they were read; this is the last door.
    let text = "cairn: \(message)\n" + (shownHint.map { "hint: \($0)" } ?? "")
    LineOutput.standardError.write(text.linesShownSafely + "\n")
  }

  /// What nobody expected is reported; by its number its lines are found in logs.
  private var shownHint: String? {
    hint ?? (exitCode == 70 ? "if you report this, say trace id \(TraceID.ofProcess), too" : nil)
  }

  /// The documented codes, those of sysexits.h where it has one.
  static func exitCode(_ category: PullError.Category, signal: Int32?) -> Int32 {
    switch category {
    case .usage: 64
    case .integrity: 65
    case .notFound: 66
    case .network: 69
    case .disk: 73
    case .unauthorised: 77
    case .interrupted: 128 + (signal ?? SIGINT)
    }
  }
}
