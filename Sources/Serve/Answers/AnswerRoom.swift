import Synchronization

/// The memory that answers may have, those of all connections together.
///
/// A caller that takes nothing of what he is given has it held for him, and 512 may be connected: what
/// each of them asks for must not add up. Content is on the disk; only lists, and what the cache cannot keep,
/// are in memory.
///
/// ```
/// waiting -> held      there is room, and nobody came before
/// waiting -> refused   there was none for so long, or the caller left
/// held    -> held      an answer turned out to be smaller
/// held    -> free      it has ended
/// ```
package final class AnswerRoom: Sendable {
  private struct Waiter {
    let id: UInt64
    let bytes: Int
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var held = 0
    var waiters: [Waiter] = []
    var last: UInt64 = 0
  }

  /// The most bytes together.
  package static let usual = 20 << 20

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: the most bytes together.
  package init(limit: Int = AnswerRoom.usual) { self.limit = limit }

  /// Bytes that are held now.
  var held: Int { state.withLock { $0.held } }

  /// How many wait for room.
  var waiting: Int { state.withLock { $0.waiters.count } }

  /// Takes room if there is some at once.
  ///
  /// - Returns: holds it as long as it is there; nil: there is none.
  func takeNow(_ bytes: Int) -> Place? {
    let isFree = state.withLock { state in
      guard state.waiters.isEmpty, fits(bytes, state) else { return false }
      state.held += bytes
      return true
    }
    return isFree ? Place(bytes, in: self) : nil
  }

  /// Takes room at once for what could wait, where half of all stays free for others.
  ///
  /// - Returns: holds it as long as it is there; nil: there is none.
  func takeSpare(_ bytes: Int) -> Place? {
    let isFree = state.withLock { state in
      guard state.waiters.isEmpty, bytes <= limit / 2 - state.held else { return false }
      state.held += bytes
      return true
    }
    return isFree ? Place(bytes, in: self) : nil
  }

  /// Takes room, and waits for it behind those who came before.
  ///
  /// - Parameters:
  ///   - bytes: how much.
  ///   - patience: how long it is waited for.
  /// - Returns: holds it as long as it is there; nil: there was none.
  func take(_ bytes: Int, patience: Duration) async -> Place? {
    guard bytes <= limit else { return nil }
    if let place = takeNow(bytes) { return place }
    let id = state.withLock { state in
      state.last += 1
      return state.last
    }
    var timer: Task<Void, Never>?
    defer { timer?.cancel() }
    let isTaken = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          // Who was cancelled before would not be found below.
          guard !Task.isCancelled else { return true }
          state.waiters.append(Waiter(id: id, bytes: bytes, continuation: continuation))
          return false
        }
        guard !isOver else {
          continuation.resume(returning: false)
          return
        }
        letIn()
        timer = Task {
          try? await Task.sleep(for: patience)
          giveUp(id)
        }
      }
    } onCancel: {
      giveUp(id)
    }
    return isTaken ? Place(bytes, in: self) : nil
  }

  private func fits(_ bytes: Int, _ state: State) -> Bool { bytes <= limit - state.held }

  private func giveUp(_ id: UInt64) {
    let waiter = state.withLock { state -> Waiter? in
      let place = state.waiters.firstIndex { $0.id == id }
      return place.map { state.waiters.remove(at: $0) }
    }
    guard let waiter else { return }
    waiter.continuation.resume(returning: false)
    letIn()
  }

  fileprivate func free(_ bytes: Int) {
    state.withLock { $0.held -= bytes }
    letIn()
  }

  /// Lets those in who come next and fit.
  private func letIn() {
    let next = state.withLock { state -> [Waiter] in
      var next: [Waiter] = []
      while let first = state.waiters.first, fits(first.bytes, state) {
        state.held += first.bytes
        next.append(state.waiters.removeFirst())
      }
      return next
    }
    for waiter in next { waiter.continuation.resume(returning: true) }
  }

  /// Room that an answer has.
  package final class Place: Sendable {
    private let room: AnswerRoom
    private let bytes: Mutex<Int>

    fileprivate init(_ bytes: Int, in room: AnswerRoom) {
      self.bytes = Mutex(bytes)
      self.room = room
    }

    /// Gives back what turns out not to be needed.
    func shrink(to size: Int) {
      let rest = bytes.withLock { bytes in
        let rest = max(0, bytes - max(0, size))
        bytes -= rest
        return rest
      }
      room.free(rest)
    }

    deinit { room.free(bytes.withLock { $0 }) }
  }
}
