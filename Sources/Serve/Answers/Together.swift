import OCI
import Registry
import Synchronization

/// Questions that several ask at the same time are asked once.
///
/// What one is granted says nothing of another: the key has whose question it is.
final class Together<Answer: Sendable>: Sendable {
  /// Who asks, and what.
  ///
  /// It holds the client that tells one asker from another: no other can come to have its place in memory
  /// while a question is underway.
  struct Key: Hashable, Sendable {
    private let client: RepositoryClient
    private let what: String

    init(_ session: any ServeSession, _ what: String) {
      client = session.client
      self.what = what
    }

    static func == (one: Key, other: Key) -> Bool {
      one.client === other.client && one.what == other.what
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(ObjectIdentifier(client))
      hasher.combine(what)
    }
  }

  private typealias Asking = Task<Result<Answer, RegistryError>, Never>
  private let underway = Mutex<[Key: Asking]>([:])

  /// Asks, or waits for the answer of whoever has asked.
  ///
  /// Who goes away takes no answer from the others: the question ends by itself. Who is gone asks none.
  func ask(
    _ key: Key, _ question: @escaping @Sendable () async throws(RegistryError) -> Answer
  ) async throws(RegistryError) -> Answer {
    try await asking(key, question).value.get()
  }

  /// The same, for as long as somebody waits.
  ///
  /// - Parameters:
  ///   - key: who asks, and what.
  ///   - patience: how long that is; nil: as long as it takes.
  ///   - question: asks.
  /// - Returns: nil where the answer did not come in time.
  func ask(
    _ key: Key, within patience: Duration?,
    _ question: @escaping @Sendable () async throws(RegistryError) -> Answer
  ) async throws(RegistryError) -> Answer? {
    let task = try asking(key, question)
    guard let patience else { return try await task.value.get() }
    let (ends, end) = AsyncStream.makeStream(of: Result<Answer, RegistryError>?.self)
    let timer = Task {
      try? await Task.sleep(for: patience)
      end.yield(nil)
    }
    defer { timer.cancel() }
    Task { end.yield(await task.value) }
    for await result in ends { return try result?.get() }
    throw .callerLeft
  }

  private func asking(
    _ key: Key, _ question: @escaping @Sendable () async throws(RegistryError) -> Answer
  ) throws(RegistryError) -> Asking {
    guard !Task.isCancelled else { throw .callerLeft }
    return underway.withLock { underway in
      if let known = underway[key] { return known }
      let task = Asking {
        let result: Result<Answer, RegistryError>
        do throws(RegistryError) {
          result = .success(try await question())
        } catch {
          result = .failure(error)
        }
        self.underway.withLock { $0[key] = nil }
        return result
      }
      underway[key] = task
      return task
    }
  }
}
