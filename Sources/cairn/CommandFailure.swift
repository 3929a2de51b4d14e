import CairnKit
import Glibc
import OCI
import Progress
import Pull
import Store

/// A failed command: what is said on standard error, and what kind of failure it is.
struct CommandFailure: Error {
  var message: String
  var hint: String?
  let kind: CairnError.Kind
  /// The signal that interrupted it; nil: none, or Ctrl-C.
  private var signal: Int32?
  /// True where a display that shows errors has said it already.
  var isSilent = false

  init(message: String, hint: String? = nil, kind: CairnError.Kind) {
    (self.message, self.hint, self.kind) = (message, hint, kind)
  }

  init(_ error: CairnError, signal: Int32? = nil) {
    (message, hint, kind, self.signal) = (error.message, error.hint, error.kind, signal)
  }

  init(_ error: PullError, signal: Int32? = nil) { self.init(CairnError(error), signal: signal) }

  init(_ error: StoreError) { self.init(.store(error)) }

  /// That of images that were pulled together, nil where all are here; of several failures the
  /// first one's exit code counts.
  ///
  /// - Parameters:
  ///   - failures: those of its images, in order.
  ///   - count: images that were to be pulled.
  init?(_ failures: [CommandFailure], of count: Int) {
    self.init(failures, of: count, as: failures.first, "pulled")
  }

  /// That of images that were to be fetched again, nil where all are here; of several failures the exit code
  /// of one counts that another run will not mend, as it may where the registry or the network failed.
  ///
  /// - Parameters:
  ///   - failures: those of its images, in order.
  ///   - count: images that were to be fetched.
  init?(worstOf failures: [CommandFailure], of count: Int) {
    let worst = failures.first { $0.kind != .network } ?? failures.first
    self.init(failures, of: count, as: worst, "fetched again")
  }

  private init?(
    _ failures: [CommandFailure], of count: Int, as chosen: CommandFailure?, _ what: String
  ) {
    guard let chosen else { return nil }
    self = chosen
    guard count > 1 else { return }
    let hints = Set(failures.compactMap(\.hint))
    message =
      "\(failures.count) of \(count) images were not \(what):\n"
      + failures.map { "  " + $0.message }.joined(separator: "\n")
    hint = hints.count == 1 ? hints.first : nil
  }

  /// Shows it where progress is shown.
  ///
  /// - Parameters:
  ///   - display: where.
  ///   - reference: the image that was not pulled; nil: it is about none of them.
  ///   - isOneOfSeveral: whether others are pulled in the same run.
  func show(
    on display: any ProgressDisplay, of reference: String? = nil, isOneOfSeveral: Bool = false
  ) {
    var failure = ProgressEvent.Failure(
      reference: reference, message: message, hint: hint, exitCode: exitCode)
    failure.isOneOfSeveral = isOneOfSeveral
    display.show(.failed(failure))
  }

  func report() {
    guard !isSilent else { return }
    // Servers' words were cleaned where they were read; this is the last door.
    let text = "cairn: \(message)\n" + (shownHint.map { "hint: \($0)" } ?? "")
    LineOutput.standardError.write(text.linesShownSafely + "\n")
  }

  /// What nobody expected is reported; by its number its lines are found in logs.
  private var shownHint: String? {
    hint
      ?? (kind == .internalFailure
        ? "if you report this, say trace id \(TraceID.ofProcess), too" : nil)
  }

  /// The documented one, of sysexits.h where that has one.
  var exitCode: Int32 {
    switch kind {
    case .usage: 64
    case .integrity: 65
    case .notFound: 66
    case .network: 69
    case .internalFailure: 70
    case .disk: 73
    case .unauthorised: 77
    case .interrupted: 128 + (signal ?? SIGINT)
    }
  }
}

/// Runs what fails with a library's error; it becomes the command's.
func orFailure<Value>(_ body: () throws(CairnError) -> Value) throws -> Value {
  do throws(CairnError) {
    return try body()
  } catch {
    throw CommandFailure(error, signal: Signals.first)
  }
}

/// Runs what fails with a library's error; it becomes the command's.
func orFailure<Value: Sendable>(
  _ body: () async throws(CairnError) -> Value
) async throws -> Value {
  do throws(CairnError) {
    return try await body()
  } catch {
    throw CommandFailure(error, signal: Signals.first)
  }
}

/// Runs what a library asks of the command, and what fails because of what its user said; the error
/// becomes the library's.
func asLibraryError<Value>(_ body: () throws -> Value) throws(CairnError) -> Value {
  do {
    return try body()
  } catch let failure as CommandFailure {
    throw .usage(failure.message)
  } catch {
    throw .usage(CairnCommand.message(for: error))
  }
}
