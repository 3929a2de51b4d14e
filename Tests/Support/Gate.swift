import Dispatch
import Synchronization

/// Holds server threads and tests until somebody opens it.
public final class Gate: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>(
    (false, []))

  public init() {}

  /// Blocks a thread of a server until the gate is open, at most a minute.
  public func pass() {
    if semaphore.wait(timeout: .now() + 60) == .success { semaphore.signal() }
  }

  /// Suspends a test until the gate is open, or the test's time is over.
  public func opened() async {
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

  public func open() {
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
public final class Counter: Sendable {
  private let count = Mutex(0)

  public init() {}

  /// Adds one; the new value.
  @discardableResult public func next() -> Int {
    count.withLock {
      $0 += 1
      return $0
    }
  }

  public var value: Int { count.withLock { $0 } }
}

/// A list that threads share.
public final class Log<Element: Sendable>: Sendable {
  private let list = Mutex<[Element]>([])

  public init() {}

  public func add(_ element: Element) { list.withLock { $0.append(element) } }

  public var all: [Element] { list.withLock { $0 } }
}
