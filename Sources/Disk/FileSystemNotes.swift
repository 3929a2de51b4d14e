import Synchronization

/// What file systems turned out not to be able to do, each said once in a process, whatever the
/// number of files.
package final class FileSystemNotes: Sendable {
  /// Those of this process.
  package static let process = FileSystemNotes()

  private let state = Mutex<(known: Set<Shortcoming>, words: [String])>(([], []))

  package init() {}

  package func add(_ shortcoming: Shortcoming, at path: String) {
    state.withLock {
      if $0.known.insert(shortcoming).inserted { $0.words.append(shortcoming.words(path)) }
    }
  }

  /// What has not been said yet, one sentence each; whoever takes it says it.
  package func take() -> [String] {
    state.withLock { state in
      defer { state.words = [] }
      return state.words
    }
  }
}
