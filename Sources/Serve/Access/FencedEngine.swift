import Transfer

/// An engine whose every request keeps to a rule about addresses: also those for tokens, and behind redirects.
struct FencedEngine: TransferEngine {
  private let engine: any TransferEngine
  private let rule: AddressRule

  /// - Parameters:
  ///   - engine: performs the requests.
  ///   - rule: the loosest one that any of them keeps to.
  init(_ engine: any TransferEngine, _ rule: AddressRule) {
    self.engine = engine
    self.rule = rule
  }

  func start(
    _ request: TransferRequest,
    decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination,
    ended: @escaping @Sendable (Result<TransferResponse, TransferError>) -> Void
  ) -> TransferHandle {
    var request = request
    request.addresses = max(request.addresses, rule)
    return engine.start(request, decide: decide, ended: ended)
  }

  func cancel(_ handle: TransferHandle) { engine.cancel(handle) }

  func readings() -> EngineReadings { engine.readings() }
}
