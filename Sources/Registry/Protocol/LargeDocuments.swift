import Threads

/// Reads documents of others: large ones one at a time, on a thread on which nobody else waits.
package enum LargeDocuments {
  /// Bytes from which a document is a large one: those below take a millisecond or two.
  static let bytes = 256 << 10

  private static let reader = LongWork(name: "cairn-read")

  /// Reads a document.
  ///
  /// - Parameters:
  ///   - bytes: how many it has.
  ///   - body: reads it.
  /// - Throws: `RegistryError` where the task is cancelled meanwhile.
  package static func read<Value: Sendable>(
    _ bytes: Int, _ body: @escaping @Sendable () -> Value
  ) async throws(RegistryError) -> Value {
    guard bytes > Self.bytes else { return body() }
    do {
      return try await reader.run(body)
    } catch {
      throw .cancelled
    }
  }
}
