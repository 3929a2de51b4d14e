import Foundation
import Support

/// The built binary, run as a user would.
struct Command {
  /// What a run came to.
  struct Outcome: Sendable {
    var status: Int32
    var output: String
    var errors: String
    var bytes: Data

    /// Its warnings, but that nothing came for a while: a busy machine makes any pull say that.
    var warnings: [Substring] {
      errors.split(separator: "\n").filter {
        $0.hasPrefix("warning:") && !$0.contains("nothing came over any connection")
      }
    }
  }

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The binary stands beside the test bundle.
  static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "cairn").path

  /// A server of `tools/test`, by the name that it is passed under; nil when run without it.
  static func server(_ name: String) -> String? {
    ProcessInfo.processInfo.environment["CAIRN_TEST_\(name)"]
  }

  static let hasServers = server("REGISTRY") != nil

  /// Where it is by itself: whatever is set in its place costs every run the table of settings,
  /// most of a second of the parser's in a debug build.
  var store: String { folder(".local/share/cairn/store") }

  func process(_ arguments: [String], environment: [String: String] = [:]) -> Process {
    let process = Process()
    process.executableURL = URL(filePath: Self.path)
    process.arguments = arguments
    // Nothing of the user's own: no credentials, no proxies, no store.
    process.environment = [
      "HOME": folder.path, "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/bin:/usr/bin",
    ].merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs cairn to its end.
  func callAsFunction(_ arguments: String..., environment: [String: String] = [:]) async throws
    -> Outcome
  {
    try await Self.finish(process(arguments, environment: environment))
  }

  /// Runs another program to its end.
  static func tool(_ program: String, _ arguments: String...) async throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardInput = FileHandle.nullDevice
    return try await finish(process)
  }

  /// Starts a process, reads both outputs and waits, on a thread of its own.
  static func finish(_ process: Process, feeding: Data? = nil) async throws -> Outcome {
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let running = Running(process: process, output: output, errors: errors)
    return await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: running.wait()) }
    }
  }
}

/// A started process and its pipes.
///
/// `@unchecked Sendable`: Foundation's `Process` may be waited for on any thread; only `wait` touches
/// the pipes.
final class Running: @unchecked Sendable {
  let process: Process
  private let output: Pipe
  private let errors: Pipe

  init(process: Process, output: Pipe, errors: Pipe) {
    self.process = process
    self.output = output
    self.errors = errors
  }

  /// Starts cairn without waiting for it.
  static func start(_ process: Process) throws -> Running {
    let running = Running(process: process, output: Pipe(), errors: Pipe())
    process.standardOutput = running.output
    process.standardError = running.errors
    try process.run()
    return running
  }

  func wait() -> Command.Outcome {
    let log = Log<Data>()
    let done = Gate()
    let errors = errors.fileHandleForReading
    Thread.detachNewThread {
      log.add(errors.readDataToEndOfFile())
      done.open()
    }
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    done.pass()
    process.waitUntilExit()
    return Command.Outcome(
      status: process.terminationStatus, output: String(decoding: bytes, as: UTF8.self),
      errors: String(decoding: log.all.first ?? Data(), as: UTF8.self), bytes: bytes)
  }

  /// Waits without holding a thread of the test's.
  func finished() async -> Command.Outcome {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: self.wait()) }
    }
  }
}
