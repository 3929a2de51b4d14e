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

/// Work by what it is for: whoever comes first begins it, and all who come meanwhile wait for the same.
final class SharedWorks<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private let begun = Mutex<[Key: SharedWork<Value>]>([:])
  private let keeps: Bool

  /// - Parameter keeps: whether what came of it is for those who come later, too.
  init(keeps: Bool) { self.keeps = keeps }

  /// What comes of the work for a key; where everybody had left it, it is begun anew.
  func value(for key: Key, _ work: @escaping @Sendable () async -> Value) async -> Value {
    while true {
      let shared = begun.withLock { begun in
        let known = begun[key] ?? SharedWork(work)
        begun[key] = known
        return known
      }
      let value = await shared.value()
      if value == nil || !keeps {
        begun.withLock { if $0[key] === shared { $0[key] = nil } }
      }
      if let value { return value }
    }
  }

  /// Has the value for a key be this one from now on.
  func settle(_ key: Key, _ value: Value) {
    begun.withLock { $0[key] = SharedWork { value } }
  }
}
