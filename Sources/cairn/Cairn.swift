import ArgumentParser
import Foundation

/// The command line.
@main
struct Cairn: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "cairn",
    abstract: "Downloads container images with a pool of parallel workers.",
    discussion: """
      Exit codes: 0 success, 64 usage, 65 content does not match its digest, 66 not found, \
      69 network or registry, 73 local disk, 70 internal error, 77 not authorised, 130 interrupted \
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
    raiseFileLimit()
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let failure as CommandFailure {
      failure.report()
      Foundation.exit(failure.exitCode)
    } catch {
      exit(withError: error)
    }
  }

  /// Each worker and each blob under way needs a descriptor; the usual soft limit is for old `select`.
  private static func raiseFileLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
