import ArgumentParser
import CairnKit
import Disk
import FoundationEssentials
import Glibc
import Hashing
import Progress
import Pull
import Registry
import Threads

/// The command line.
@main
struct CairnCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cairn",
    abstract: "Downloads container images with a pool of parallel workers.",
    discussion: """
      Exit codes: 0 success, 64 usage, 65 content does not match its digest, 66 not found, \
      69 network or registry, 73 local disk, 70 internal error, 77 not authorised or blocked, 130 interrupted \
      (129 by SIGHUP, 131 by SIGQUIT, 143 by SIGTERM).
      """,
    version: Cairn.version,
    subcommands: [
      PullCommand.self, InspectCommand.self, TagsCommand.self, DigestCommand.self,
      SimulateCommand.self, StoreCommand.self, TuneCommand.self, ServeCommand.self,
      ConfigCommand.self, CompletionCommand.self,
    ])

  static func main() async {
    StandardFiles.fillPlaces()
    LibCrypto.stayUntilTheEnd()
    if let failure = shortage {
      failure.report()
      Glibc.exit(failure.exitCode)
    }
    // A reader of our output that went away is noticed by the write that fails.
    signal(SIGPIPE, SIG_IGN)
    // Where whoever started us ignores this, the kernel keeps no word of how our own processes end.
    signal(SIGCHLD, SIG_DFL)
    ProcessList.hideCredentials()
    let command = Task { await run() }
    Signals.watch { command.cancel() }
    let code = await command.value
    HelperProcesses.endAll()
    await LineOutput.settleStandardError()
    Glibc.exit(code == 0 ? 0 : Signals.first.map { 128 + $0 } ?? code)
  }

  /// What the system does not let this process have, and it could not do without, nor say so later;
  /// nil: nothing.
  private static var shortage: CommandFailure? {
    do { try raiseFileLimit() } catch { return error }
    // Whoever gives Dispatch its threads reads there how they are, once a second; where that cannot be read
    // the process ends by SIGILL, some time.
    guard access("/proc/\(getpid())/stat", R_OK) == 0 else {
      return CommandFailure(
        message: "/proc is not here, or not that of this process: mount it (-t proc)",
        kind: .internalFailure)
    }
    guard !ThreadRoom.isEnough(for: Machine.affinity) else { return nil }
    return CommandFailure(
      message: "too few threads or too little memory: see ulimit -u, -v, -d and -s",
      kind: .internalFailure)
  }

  /// Runs the command that was given; returns its exit code.
  private static func run() async -> Int32 {
    do {
      var command = try Invocation.command()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return printed()
    } catch let failure as CommandFailure {
      failure.report()
      return failure.exitCode
    } catch let error as ValidationError {
      // Of a command that runs already; the parser shows its own errors with how the command is used.
      CommandFailure(message: error.message, kind: .usage).report()
      return 64
    } catch {
      // Help is a result, and everything else is for people.
      if let stray = StrayWord(in: Invocation.current.arguments, of: CairnCommand.self) {
        stray.failure.report()
        return stray.failure.exitCode
      }
      let code = exitCode(for: error).rawValue
      guard code != 0 else {
        print(fullMessage(for: error))
        return printed()
      }
      LineOutput.standardError.write(fullMessage(for: error) + "\n")
      return code
    }
  }

  /// The exit code of what went well: what was printed must not be lost in silence, on a full disk
  /// for example.
  private static func printed() -> Int32 {
    let error = Printing.lost
    guard error != 0 else { return 0 }
    let isClosed = StandardFiles.isClosed(STDOUT_FILENO)
    // A reader that has enough (`head`) misses nothing.
    guard isClosed || error != EPIPE else { return 0 }
    let why = isClosed ? " is closed" : ": \(String(cString: strerror(error)))"
    let failure = CommandFailure(message: "standard output\(why)", kind: .disk)
    failure.report()
    return failure.exitCode
  }

  /// Each worker and each blob under way needs a descriptor; the usual soft limit is for old `select`.
  private static func raiseFileLimit() throws(CommandFailure) {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    // The runtime ends a process that has none left for its own.
    guard limit.rlim_cur >= OpenFileBudget.least else {
      throw CommandFailure(
        message:
          "\(limit.rlim_cur) open files (ulimit -n) are too few: cairn needs \(OpenFileBudget.least)",
        kind: .disk)
    }
  }
}
