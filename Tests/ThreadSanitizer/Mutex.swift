import Glibc

/// Stands in for the standard library's `Mutex` while the tests run under the thread sanitizer.
///
/// The sanitizer sees what is done with a pthread mutex. The library's own waits in a system call
/// that it does not see, and everything that such a lock guards would be reported as a race.
/// `tools/sanitize` changes the imports in a copy.
public struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  // Each in memory of its own: a change of the value is no access to the lock.
  private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  /// Makes a mutex that guards a value.
  public init(_ value: consuming sending Value) {
    self.value.initialize(to: value)
    pthread_mutex_init(lock, nil)
  }

  deinit {
    value.deinitialize(count: 1)
    value.deallocate()
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  /// Calls a closure that alone has the value.
  ///
  /// - Parameter body: what is done with the value.
  /// - Returns: what the closure returns.
  /// - Throws: what the closure throws.
  public borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body(&value.pointee)
  }
}
