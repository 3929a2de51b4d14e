import Dispatch
import Synchronization

/// Holds server threads and tests until somebody opens it.
package final class Gate: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>(
    (false, []))

  package init() {}

  /// Blocks a thread of a server until the gate is open, at most ten minutes.
  package func pass() {
    if semaphore.wait(timeout: .now() + 600) == .success { semaphore.signal() }
  }

  /// Suspends a test until the gate is open, or the test's time is over.
  package func opened() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          let isOver = state.isOpen || Task.isCancelled
          if !isOver { state.waiters.append(continuation) }
          return isOver
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      release()
    }
  }

  package func open() {
    semaphore.signal()
    state.withLock { $0.isOpen = true }
    release()
  }

  private func release() {
    let waiters = state.withLock { state in
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }
}

/// A counter that threads share.
package final class Counter: Sendable {
  private let count = Mutex(0)

  package init() {}

  /// Adds one; the new value.
  @discardableResult package func next() -> Int {
    count.withLock {
      $0 += 1
      return $0
    }
  }

  package var value: Int { count.withLock { $0 } }
}

/// A list that threads share.
package final class Log<Element: Sendable>: Sendable {
  private let list = Mutex<[Element]>([])

  package init() {}

  package func add(_ element: Element) { list.withLock { $0.append(element) } }

  package var all: [Element] { list.withLock { $0 } }
}
