import Synchronization

/// Counts the bytes of an answer as they come, for whoever compares servers; from any thread.
package final class ByteMeter: Sendable {
  private let count = Atomic<Int64>(0)

  /// Nothing came yet.
  package init() {}

  /// Bytes so far.
  package var bytes: Int64 { count.load(ordering: .relaxed) }

  /// Counts some more.
  package func add(_ bytes: Int) { count.wrappingAdd(Int64(bytes), ordering: .relaxed) }
}
