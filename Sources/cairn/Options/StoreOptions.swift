import ArgumentParser
import CairnKit
import Disk
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

  /// Where that is.
  var place: StorePlace { Self.place(store) }

  /// The store's directory, made absolute.
  var path: String { place.path }

  /// Where the store is; what a variable says of it has become the option.
  ///
  /// - Parameter option: what `--store` says; nil: nothing.
  static func place(_ option: String?) -> StorePlace {
    option.map { StorePlace($0) } ?? .ofUser
  }

  /// Says what the store's file system cannot do; for commands without a display.
  func sayNotes() {
    for words in FileSystemNotes.process.take() {
      LineOutput.standardError.write("warning: \(words.linesShownSafely)\n")
    }
  }

  /// Opens the store for reading; nil, which is said, where there is none.
  func openForReading() throws -> ContentStore? {
    if let store = try reading() { return store }
    LineOutput.standardError.write((noneWords + "\n").linesShownSafely + "\n")
    return nil
  }

  /// Opens a store that is there; nil, which is said, where there is none.
  func openExisting() throws -> ContentStore? {
    try openForReading() == nil ? nil : try open()
  }

  /// Opens the store for what cannot be done without one.
  ///
  /// - Parameter writing: whether something in it may be changed.
  func openRequired(writing: Bool) throws -> ContentStore {
    guard let store = try reading() else {
      throw CommandFailure(message: noneWords, kind: .notFound)
    }
    return writing ? try open() : store
  }

  private var noneWords: String { "there is no store at \(path) yet" }

  private func reading() throws -> ContentStore? {
    do throws(StoreError) {
      return try ContentStore.reading(path)
    } catch {
      throw CommandFailure(error)
    }
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
