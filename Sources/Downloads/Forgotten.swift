import Synchronization

/// Bytes of a blob that were here and come again, until somebody has taken note of them.
final class Forgotten: Sendable {
  private let count = Mutex<Int64>(0)

  func add(_ bytes: Int64) { count.withLock { $0 += bytes } }

  /// What was added since the last time.
  func take() -> Int64 {
    count.withLock { count in
      defer { count = 0 }
      return count
    }
  }
}
