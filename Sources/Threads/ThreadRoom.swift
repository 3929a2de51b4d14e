import Glibc

/// Whether the system lets this process have the threads that it needs, asked before any of them is needed.
///
/// The pools of Dispatch and of Swift try again for ever where they get no thread (`ulimit -v`,
/// `-d`, `-u`), with nobody left who would notice a signal.
package enum ThreadRoom {
  /// Threads beside the pool's, one for each CPU: for timers, signals, transfers and hashes.
  private static let others = 5
  /// Bytes that must be free beside the threads' stacks: what is done before the last of them is
  /// made needs some.
  private static let spareBytes = 16 << 20
  /// Addresses that must be free for the heaps of threads, which glibc sets aside for each of them;
  /// where it cannot, transfers have been seen to come to a stop.
  private static let heapBytes = 128 << 20

  /// Makes as many threads as are needed, and ends them.
  ///
  /// - Parameter pool: threads of the pools: one for each CPU that this process may use.
  /// - Returns: false where one of them, or memory beside them, is not to be had.
  package static func isEnough(for pool: Int) -> Bool {
    let count = others + min(1024, max(1, pool))
    // Each waits until all are there, or as many as there will be.
    let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    pthread_mutex_init(gate, nil)
    pthread_mutex_lock(gate)
    defer {
      pthread_mutex_destroy(gate)
      gate.deallocate()
    }
    var threads: [pthread_t] = []
    defer {
      pthread_mutex_unlock(gate)
      for thread in threads { pthread_join(thread, nil) }
    }
    while threads.count < count {
      var thread = pthread_t()
      guard pthread_create(&thread, nil, { ThreadRoom.pass($0) }, gate) == 0 else { return false }
      threads.append(thread)
    }
    let spare = mmap(
      nil, spareBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let spare, spare != MAP_FAILED else { return false }
    defer { munmap(spare, spareBytes) }
    let heaps = mmap(nil, heapBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let heaps, heaps != MAP_FAILED else { return false }
    munmap(heaps, heapBytes)
    return true
  }

  private static func pass(_ gate: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let gate = gate?.assumingMemoryBound(to: pthread_mutex_t.self) else { return nil }
    pthread_mutex_lock(gate)
    pthread_mutex_unlock(gate)
    return nil
  }
}
