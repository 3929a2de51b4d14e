/// Waits until something is so; the test's time limit ends it.
///
/// It looks each millisecond: a loop that only yields would keep a whole core from the tests beside it.
///
/// - Throws: `CancellationError`.
package func eventually(_ isSo: () async throws -> Bool) async throws {
  while try await !isSo() { try await Task.sleep(for: .milliseconds(1)) }
}
