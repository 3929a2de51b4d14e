import Synchronization

/// A byte range of a file that one or two transfers fill, each byte exactly once.
///
/// Two transfers share a window when a straggler is asked for again, and a server that ignores
/// ranges sends bytes from before the window. In both cases only the byte at the window's position
/// is taken, whoever brings it first, so bytes that were read back and hashed are never written
/// again.
///
/// Invariants: `written <= reserved <= end`; all before `written` is in the file. Chunks are taken one after
/// the other, whoever brings them; the end may be moved meanwhile.
package final class FileWindow: Sendable {
  /// What became of a chunk.
  package enum Outcome: Equatable, Sendable {
    /// The window has room left.
    case more
    /// The window is full; the transfer can end.
    case full
    /// Writing failed with this `errno`.
    case failed(Int32)
  }

  private struct State {
    var end: Int64
    var reserved: Int64
    var written: Int64
  }

  /// Writes bytes at an offset and returns 0 or an `errno`.
  package typealias Sink = @Sendable (UnsafeRawBufferPointer, Int64) -> Int32

  private let state: Mutex<State>
  /// Held while a chunk is written: one that begins later must not end sooner.
  private let turn = Mutex(())
  private let sink: Sink

  /// Makes an empty window.
  ///
  /// - Parameters:
  ///   - range: the bytes of the file to fill.
  ///   - sink: writes a whole buffer at an offset; returns 0 or an `errno`.
  package init(_ range: Range<Int64>, sink: @escaping Sink) {
    state = Mutex(
      State(end: range.upperBound, reserved: range.lowerBound, written: range.lowerBound))
    self.sink = sink
  }

  /// All bytes of the window before this offset are in the file.
  package var written: Int64 { state.withLock { $0.written } }

  /// True when the last byte is in the file.
  package var isFull: Bool { state.withLock { $0.written >= $0.end } }

  /// Moves the end towards the start, for a worker that takes over the rest.
  ///
  /// - Parameter offset: the new end.
  /// - Returns: false, and nothing is changed, when the window was filled beyond it already.
  package func split(at offset: Int64) -> Bool {
    state.withLock {
      guard $0.reserved <= offset, offset <= $0.end else { return false }
      $0.end = offset
      return true
    }
  }

  /// Moves the end outwards, when the transfer will bring more than was asked for.
  ///
  /// - Parameter offset: the new end.
  package func extend(to offset: Int64) {
    state.withLock { $0.end = max($0.end, offset) }
  }

  /// Closes the window where it stands: nothing that arrives from now on is written.
  package func seal() {
    state.withLock { $0.end = $0.reserved }
  }

  /// Takes a chunk of a body.
  ///
  /// - Parameters:
  ///   - chunk: the bytes.
  ///   - offset: where the first of them belongs in the file.
  package func accept(_ chunk: UnsafeRawBufferPointer, at offset: Int64) -> Outcome {
    turn.withLock { _ in take(chunk, at: offset) }
  }

  private func take(_ chunk: UnsafeRawBufferPointer, at offset: Int64) -> Outcome {
    // Where a server says that its bytes belong may be beyond all numbers.
    let (sum, overflow) = offset.addingReportingOverflow(Int64(chunk.count))
    guard !overflow else { return .more }
    let chunkEnd = sum
    let slice: Range<Int64>? = state.withLock {
      let start = $0.reserved
      let end = min(chunkEnd, $0.end)
      // Bytes beyond a gap cannot be taken; bytes before the position stand already.
      guard offset <= start, start < end else { return nil }
      $0.reserved = end
      return start..<end
    }
    if let slice {
      let bytes = UnsafeRawBufferPointer(
        rebasing: chunk[Int(slice.lowerBound - offset)..<Int(slice.upperBound - offset)])
      let code = sink(bytes, slice.lowerBound)
      if code != 0 {
        state.withLock { $0.reserved = $0.written }
        return .failed(code)
      }
      state.withLock { $0.written = slice.upperBound }
    }
    return state.withLock { $0.written >= $0.end ? .full : .more }
  }
}
