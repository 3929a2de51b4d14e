import Synchronization

/// Work that has a CPU for a while: one piece after the other, and on none of the threads that all share.
///
/// Swift's pool has one thread for each CPU. Large documents that are read there, as many at once as
/// there are connections, leave nobody who could answer others, and have all of their memory at the
/// same time.
///
/// ```
/// waiting -> begun -> over   its turn came
/// waiting -> over            whoever wanted it was cancelled: it is never done
/// begun   -> over            the same: it is done, but nobody waits for it any more
/// ```
package final class LongWork: Sendable {
  private struct State {
    var waiting: [@Sendable () -> Void] = []
    var isRunning = false
  }

  private let name: String
  private let state = Mutex(State())

  /// Bytes of the thread's stack: what is read may be nested.
  private static let stack = 4 << 20

  /// - Parameter name: of its thread, while there is something to do.
  package init(name: String) { self.name = name }

  /// Has something done.
  ///
  /// - Parameter body: what is to be done.
  /// - Throws: `CancellationError`, at once, where the task is cancelled meanwhile.
  package func run<Value: Sendable>(
    _ body: @escaping @Sendable () -> Value
  ) async throws(CancellationError) -> Value {
    let piece = Piece(body)
    let value: Value? = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if piece.wait(continuation) { enqueue { piece.begin() } }
      }
    } onCancel: {
      piece.cancel()
    }
    guard let value else { throw CancellationError() }
    return value
  }

  private func enqueue(_ work: @escaping @Sendable () -> Void) {
    let mustStart = state.withLock { state in
      state.waiting.append(work)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    // Where there is no thread to be had, it is done here.
    if mustStart, !DedicatedThread.start(name: name, stack: Self.stack, { self.work() }) { work() }
  }

  /// Does what there is to do, and ends.
  private func work() {
    while let next = next() { next() }
  }

  private func next() -> (@Sendable () -> Void)? {
    state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.isRunning = false
        return nil
      }
      return state.waiting.removeFirst()
    }
  }
}

/// One piece of it, and whoever waits for it.
private final class Piece<Value: Sendable>: Sendable {
  private struct State {
    /// Nil: it has begun, or never will.
    var body: (@Sendable () -> Value)?
    var waiter: CheckedContinuation<Value?, Never>?
  }

  private let state: Mutex<State>

  init(_ body: @escaping @Sendable () -> Value) { state = Mutex(State(body: body)) }

  /// - Returns: false where it was cancelled before, and is not to be begun.
  func wait(_ waiter: CheckedContinuation<Value?, Never>) -> Bool {
    let isWanted = state.withLock { state in
      if state.body != nil { state.waiter = waiter }
      return state.body != nil
    }
    if !isWanted { waiter.resume(returning: nil) }
    return isWanted
  }

  func begin() {
    guard let body = state.withLock({ $0.body.take() }) else { return }
    let value = body()
    state.withLock { $0.waiter.take() }?.resume(returning: value)
  }

  func cancel() {
    let waiter = state.withLock { state in
      state.body = nil
      return state.waiter.take()
    }
    waiter?.resume(returning: nil)
  }
}
