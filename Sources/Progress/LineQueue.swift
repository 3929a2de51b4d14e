import Synchronization
import Threads

/// Text on its way to a reader who may stand still: a pipe that nobody reads, a stopped terminal.
///
/// A thread writes it, which is there while something waits, so that nobody who has something to say waits
/// for the reader. What is more than the room is left out, and how much that was is said afterwards.
final class LineQueue: Sendable {
  private struct State {
    var isOpen = false
    var waiting: [String] = []
    var bytes = 0
    var leftOut = 0
    var isWriting = false
    var words: @Sendable (Int) -> String = { "\($0) left out\n" }
  }

  /// Bytes that may wait.
  private static let room = 1 << 20

  private let state = Mutex(State())
  private let write: @Sendable (String) -> Void

  /// - Parameter write: writes a text, as long as that takes.
  init(write: @escaping @Sendable (String) -> Void) { self.write = write }

  /// Takes in texts from now on.
  ///
  /// - Parameter words: says how many were left out.
  func open(_ words: @escaping @Sendable (Int) -> String) {
    state.withLock {
      $0.isOpen = true
      $0.words = words
    }
  }

  /// Whether all that was taken in is written.
  var isEmpty: Bool { state.withLock { !$0.isWriting } }

  /// Takes a text in.
  ///
  /// - Returns: false where it is not taken: whoever has it writes it himself.
  func take(_ text: String) -> Bool {
    let (isTaken, isFirst) = state.withLock { state -> (Bool, Bool) in
      guard state.isOpen else { return (false, false) }
      guard state.bytes + text.utf8.count <= Self.room else {
        state.leftOut += 1
        return (true, false)
      }
      state.waiting.append(text)
      state.bytes += text.utf8.count
      defer { state.isWriting = true }
      return (true, !state.isWriting)
    }
    if isFirst, !DedicatedThread.start(name: "log", { self.writeAll() }) { writeAll() }
    return isTaken
  }

  private func writeAll() {
    while let texts = next() {
      for text in texts {
        write(text)
        // Its room is free only now: the reader may stand still in the middle of it.
        state.withLock { $0.bytes -= text.utf8.count }
      }
    }
  }

  /// What is to be written next; nil: nothing, and whoever brings more begins anew.
  private func next() -> [String]? {
    state.withLock { state in
      guard !state.waiting.isEmpty || state.leftOut > 0 else {
        state.isWriting = false
        return nil
      }
      var texts = state.waiting
      state.waiting = []
      if state.leftOut > 0 {
        let words = state.words(state.leftOut)
        state.leftOut = 0
        state.bytes += words.utf8.count
        texts.append(words)
      }
      return texts
    }
  }
}
