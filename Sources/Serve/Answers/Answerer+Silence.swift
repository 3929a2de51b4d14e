import Registry
import Transfer

/// Questions to upstream, which may say nothing.
extension Answerer {
  /// Asks upstream, together with others who ask the same at the same time.
  ///
  /// - Parameters:
  ///   - together: the questions of that kind.
  ///   - what: tells one of a caller's questions from another.
  ///   - hasOld: whether there is an old answer to give: then it is not waited for to the end of its time
  ///     limit. What it says later is noted all the same.
  ///   - question: asks it.
  /// - Throws: `RegistryError`, of kind `stalled` where it was not waited for any longer.
  func ask<Value>(
    _ together: Together<Value>, _ what: String, _ session: any ServeSession, hasOld: Bool,
    _ question: @escaping @Sendable () async throws(RegistryError) -> Value
  ) async throws(RegistryError) -> Value {
    guard hasOld else { return try await together.ask(.init(session, what), question) }
    let (silences, registry) = (silences, session.client.reference.registry)
    let answer = try await together.ask(
      .init(session, what), within: silences.patience(for: registry)
    ) { () async throws(RegistryError) in
      try await silences.hear(registry, question)
    }
    if let answer { return answer }
    silences.waitedFor(registry)
    throw RegistryError(
      .transfer(TransferError(.stalled, "it says nothing")), "\(registry) says nothing")
  }
}
