import Dispatch
import Synchronization

/// Holds threads until a test opens it.
public final class Gate: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)

  public init() {}

  /// Waits until the gate is open, at most a minute.
  public func pass() {
    if semaphore.wait(timeout: .now() + 60) == .success { semaphore.signal() }
  }

  public func open() { semaphore.signal() }
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
