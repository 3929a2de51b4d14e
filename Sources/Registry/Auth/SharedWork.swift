import Synchronization

/// Work that several wait for: it is done once, and ends early when nobody waits for it any more.
final class SharedWork<Value: Sendable>: Sendable {
  private struct State {
    var waiting = 0
    var isLeft = false
  }

  private let task: Task<Value, Never>
  private let state = Mutex(State())

  /// Begins it.
  init(_ work: @escaping @Sendable () async -> Value) { task = Task { await work() } }

  /// What comes of it; nil: everybody had left it before, and it has to be begun anew.
  func value() async -> Value? {
    let mayWait = state.withLock { state in
      guard !state.isLeft else { return false }
      state.waiting += 1
      return true
    }
    guard mayWait else { return nil }
    return await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      leave()
    }
  }

  private func leave() {
    let isLast = state.withLock { state in
      state.waiting -= 1
      state.isLeft = state.waiting == 0
      return state.isLeft
    }
    if isLast { task.cancel() }
  }
}
