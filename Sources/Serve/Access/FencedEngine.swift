import Transfer

/// An engine whose every request keeps to a rule about addresses, and says whom it came through:
/// also those for tokens, and behind redirects.
struct FencedEngine: TransferEngine {
  private let engine: any TransferEngine
  private let rule: AddressRule
  private let via: String

  /// - Parameters:
  ///   - engine: performs the requests.
  ///   - rule: the loosest one that any of them keeps to.
  ///   - via: the value of their `Via`.
  init(_ engine: any TransferEngine, _ rule: AddressRule, via: String) {
    self.engine = engine
    self.via = via
    self.rule = rule
  }

  func start(
    _ request: TransferRequest,
    decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination,
    ended: @escaping @Sendable (Result<TransferResponse, TransferError>) -> Void
  ) -> TransferHandle {
    var request = request
    request.addresses = max(request.addresses, rule)
    request.fields.append("Via", via)
    return engine.start(request, decide: decide, ended: ended)
  }

  func cancel(_ handle: TransferHandle) { engine.cancel(handle) }

  func readings() -> EngineReadings { engine.readings() }

  func proxy(of request: TransferRequest) -> String? { engine.proxy(of: request) }
}
