import ArgumentParser
import CairnKit
import Disk
import FoundationEssentials
import Glibc
import History
import Progress

/// Where the history is.
struct HistoryOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The history of pulls (default: $XDG_STATE_HOME/cairn/history.sqlite).", valueName: "file"),
    completion: .file())
  var history: String?

  @Option(
    help: ArgumentHelp(
      "Exports of other machines, of which one is used where nothing else is known: a file, or a folder of them.",
      valueName: "path"))
  var historySite: String?

  /// Absolute, so that files beside it are found as well where only its name is given.
  var file: String { Self.path(history) }

  /// The history's file.
  ///
  /// - Parameter option: what `--history` says; nil: nothing.
  static func path(_ option: String?) -> String {
    option.map { (try? Files.absolute($0)) ?? $0 }
      ?? PullOptions.HistoryPlace.standardFile(ProcessInfo.processInfo.environment)
  }

  /// Opens it where there is one; nil: there is none, and none is made.
  func openForReading() throws -> History? {
    Files.isThere(file) ? try open() : nil
  }

  /// Opens it; for commands that cannot do without.
  func open() throws -> History {
    do throws(HistoryError) {
      return try History(file: file) { print(warning: $0) }
    } catch {
      throw CommandFailure(message: error.description, kind: .disk)
    }
  }

  private func print(warning: String) {
    LineOutput.standardError.write("warning: \(warning)\n")
  }
}
