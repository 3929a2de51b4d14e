import Glibc

/// A thread of one's own, for work that blocks: Swift's pool of threads has one for each CPU, and
/// none to spare.
package enum DedicatedThread {
  /// What the thread is given.
  private final class Work: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a thread; nobody waits for its end.
  ///
  /// - Parameters:
  ///   - name: shown by `top` and debuggers; 15 bytes of it.
  ///   - stack: bytes of its stack.
  ///   - body: what it does.
  /// - Returns: false where the system has no thread left (`ulimit -u`); then `body` is never called.
  package static func start(
    name: String, stack: Int = 512 << 10, _ body: @escaping @Sendable () -> Void
  ) -> Bool {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return false }
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, stack)
    var thread = pthread_t()
    let context = Unmanaged.passRetained(Work(name, body)).toOpaque()
    guard pthread_create(&thread, &attributes, { DedicatedThread.run($0) }, context) == 0 else {
      Unmanaged<Work>.fromOpaque(context).release()
      return false
    }
    return true
  }

  private static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
    nameItself(work.name)
    work.body()
    return nil
  }

  /// As `pthread_setname_np` does it, which Swift's Glibc has not; the kernel takes no longer names.
  private static func nameItself(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
    close(file)
  }
}
