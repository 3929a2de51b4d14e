import Transfer

/// How often a document is asked for, and how long it is waited for.
extension RepositoryClient {
  /// Times that content which turned out to be wrong is asked for again where nobody else can be asked.
  private static let looksAtWrongContent = 2

  /// Asks again where that can help; `stalls` is how often nobody had answered in time.
  ///
  /// - Parameters:
  ///   - mayAskAgain: whether the same is to be asked again after a failure, and not somebody else.
  ///   - body: asks once.
  func retrying<Value: Sendable>(
    _ mayAskAgain: (RegistryError) -> Bool = { _ in true },
    _ body: (_ stalls: Int) async throws(RegistryError) -> Value
  ) async throws(RegistryError) -> Value {
    var attempt = 0
    var oddities = 0
    var stalls = 0
    while true {
      let failure: RegistryError
      do throws(RegistryError) {
        return try await body(stalls)
      } catch {
        failure = error
      }
      var wait = min(15, 0.5 * Double(1 << min(attempt, 8))) * (0.5 + 0.5 * time.random())
      if case .overloaded(let asked?) = failure.kind { wait = max(wait, asked) }
      let looks = failure.isWrongContent ? Self.looksAtWrongContent : failure.secondLooks
      let isOdd = looks > 0
      // What will be silent again is not waited for longer than the first time.
      if failure.isStall, !isOdd { stalls += 1 }
      // What is odd is looked at again for itself, whatever else failed before it.
      guard mayAskAgain(failure), isOdd ? oddities < looks : failure.isTransient,
        attempt < retryRule.retries,
        stalls < retryRule.stalls,
        wait <= retryRule.maximumWait
      else { throw failure }
      attempt += 1
      if isOdd { oddities += 1 }
      tell(
        .waiting(
          seconds: wait,
          because: failure.message + LongWait.words(wait, limit: retryRule.maximumWait)))
      do {
        try await time.sleep(wait)
      } catch {
        throw .cancelled
      }
    }
  }

  /// Seconds that a request may wait for the head of its answer: twice as long each time it was
  /// asked in vain, at most four times `--stall-timeout`.
  ///
  /// Some servers fetch a whole layer themselves before its first byte.
  ///
  /// - Parameter stalls: how often nothing came for the whole time.
  func headTimeout(stalls: Int) -> Double {
    retryRule.silenceLimit * Double(1 << min(max(stalls, 0), 2))
  }
}
