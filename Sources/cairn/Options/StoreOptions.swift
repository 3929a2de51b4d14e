import ArgumentParser
import Disk
import FoundationEssentials
import Glibc
import OCI
import Progress
import Store

/// Where the store is.
struct StoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The store's directory (default: $CAIRN_STORE, else $XDG_DATA_HOME/cairn/store).",
      valueName: "dir"), completion: .directory)
  var store: String?

  /// The store's directory, made absolute.
  var path: String { Self.path(store) }

  /// The store's directory, made absolute.
  ///
  /// - Parameter option: what `--store` says; nil: nothing.
  static func path(_ option: String?) -> String {
    let environment = ProcessInfo.processInfo.environment
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let home = variable("HOME") ?? homeOfUser
    let path =
      option ?? (variable("XDG_DATA_HOME") ?? home + "/.local/share") + "/cairn/store"
    return URL(filePath: path).path
  }

  /// The home that the user database names.
  static var homeOfUser: String {
    guard let entry = getpwuid(geteuid()), let home = entry.pointee.pw_dir else { return "/" }
    return String(cString: home)
  }

  /// Says what the store's file system cannot do; for commands without a display.
  func sayNotes() {
    for words in FileSystemNotes.process.take() {
      LineOutput.standardError.write("warning: \(words.linesShownSafely)\n")
    }
  }

  /// Opens the store for reading; nil, which is said, where there is none.
  func openForReading() throws -> ContentStore? {
    do throws(StoreError) {
      if let store = try ContentStore.reading(path) { return store }
    } catch {
      throw CommandFailure(error)
    }
    sayNone()
    return nil
  }

  /// Opens a store that is there; nil, which is said, where there is none.
  func openExisting() throws -> ContentStore? {
    try openForReading() == nil ? nil : try open()
  }

  private func sayNone() {
    LineOutput.standardError.write("there is no store at \(path) yet\n".linesShownSafely + "\n")
  }

  /// Opens the store, making it where there is none.
  func open() throws -> ContentStore {
    do throws(StoreError) {
      return try ContentStore(root: path) {
        LineOutput.standardError.write("warning: \($0.linesShownSafely)\n")
      }
    } catch {
      throw CommandFailure(error)
    }
  }
}
