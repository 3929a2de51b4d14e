import ArgumentParser
import Foundation
import Pull

/// The command line.
@main
struct Cairn: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "cairn",
    abstract: "Downloads container images with a pool of parallel workers.",
    discussion: """
      Exit codes: 0 success, 64 usage, 65 content does not match its digest, 66 not found, \
      69 network or registry, 73 local disk, 70 internal error, 77 not authorised or blocked, 130 interrupted \
      (129 by SIGHUP, 143 by SIGTERM).
      """,
    version: version,
    subcommands: [
      PullCommand.self, InspectCommand.self, SimulateCommand.self, StoreCommand.self,
      TuneCommand.self,
    ])

  static func main() async {
    // A reader of our output that went away is noticed by the write that fails.
    signal(SIGPIPE, SIG_IGN)
    ProcessList.hideCredentials()
    do {
      try raiseFileLimit()
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      try flushOutput()
    } catch let failure as CommandFailure {
      failure.report()
      Foundation.exit(failure.exitCode)
    } catch {
      exit(withError: error)
    }
  }

  /// What was printed and is still on its way must not be lost in silence, on a full disk for example.
  private static func flushOutput() throws {
    guard fflush(nil) == 0 else { throw lostOutput }
  }

  /// Prints bytes as they are.
  static func print(_ data: Data) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: data)
    } catch {
      throw lostOutput
    }
  }

  private static var lostOutput: CommandFailure {
    CommandFailure(message: "standard output: \(String(cString: strerror(errno)))", exitCode: 73)
  }

  /// Each worker and each blob under way needs a descriptor; the usual soft limit is for old `select`.
  private static func raiseFileLimit() throws {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    // The runtime ends a process that has none left for its own.
    guard limit.rlim_cur >= OpenFileBudget.least else {
      throw CommandFailure(
        message:
          "\(limit.rlim_cur) open files (ulimit -n) are too few: cairn needs \(OpenFileBudget.least)",
        exitCode: 73)
    }
  }
}
