/// Says in one line that a helper or a token service lets others wait.
struct SlowAnswerWatch: Sendable {
  let time: Timekeeper
  let tell: @Sendable (RegistryNotice) -> Void

  /// Waits for an answer.
  ///
  /// - Parameters:
  ///   - name: who is asked.
  ///   - limit: seconds that it has; nil: as long as something comes.
  ///   - ask: asks, and waits.
  /// - Throws: what `ask` throws.
  func over<Answer, Failure: Error>(
    _ name: String, limit: Double? = nil,
    isolation: isolated (any Actor)? = #isolation,
    _ ask: () async throws(Failure) -> Answer
  ) async throws(Failure) -> Answer {
    let timer = time.whenLate { [tell] in
      let meanwhile = limit.map(Lateness.left) ?? "it is waited for"
      tell(.late(name, because: Lateness.words(meanwhile)))
    }
    defer { timer.cancel() }
    return try await ask()
  }
}
