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
    let timer = Task { [time, tell] in
      guard (try? await time.sleep(FailoverRunner.patience)) != nil else { return }
      let silence = "has not answered for \(Int(FailoverRunner.patience)) s"
      let rest = limit.map {
        "it has up to \(Int(max(0, min($0 - FailoverRunner.patience, 1e6)).rounded(.up))) s more"
      }
      tell(.late(name, because: [silence, rest ?? "it is waited for"].joined(separator: "; ")))
    }
    defer { timer.cancel() }
    return try await ask()
  }
}
