import Text

/// An engine that tells of every request and its answer, for a log.
package struct ObservedEngine: TransferEngine {
  private let engine: any TransferEngine
  private let observe: @Sendable (String) -> Void

  /// Fields of an answer that explain what happens, without secrets.
  private static let tellingFields = [
    "content-type", "content-length", "content-range", "content-encoding", "transfer-encoding",
    "accept-ranges", "docker-content-digest", "retry-after", "ratelimit-remaining",
    "x-ratelimit-remaining", "via", "x-cache", "age", "server",
  ]

  /// Characters of a field that are told.
  private static let mostShown = 200

  /// Makes an engine.
  ///
  /// - Parameters:
  ///   - engine: performs the requests.
  ///   - observe: told one line when a request ended; on any thread.
  package init(_ engine: any TransferEngine, observe: @escaping @Sendable (String) -> Void) {
    self.engine = engine
    self.observe = observe
  }

  /// Starts a request.
  package func start(
    _ request: TransferRequest,
    decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination,
    ended: @escaping @Sendable (Result<TransferResponse, TransferError>) -> Void
  ) -> TransferHandle {
    let (observe, start) = (observe, ContinuousClock.now)
    return engine.start(request, decide: decide) { result in
      let elapsed = (ContinuousClock.now - start).components
      let milliseconds = elapsed.seconds * 1000 + elapsed.attoseconds / 1_000_000_000_000_000
      observe(Self.line(request, result, milliseconds: milliseconds))
      ended(result)
    }
  }

  /// Ends a transfer early.
  package func cancel(_ handle: TransferHandle) { engine.cancel(handle) }

  /// What the engine last measured.
  package func readings() -> EngineReadings { engine.readings() }

  /// The proxy that a request goes through.
  package func proxy(of request: TransferRequest) -> String? { engine.proxy(of: request) }

  /// One line: method, URL without its query, range, status, telling fields, milliseconds.
  static func line(
    _ request: TransferRequest, _ result: Result<TransferResponse, TransferError>,
    milliseconds: Int64
  ) -> String {
    var line = "\(request.method.rawValue) \(request.url.redacted)"
    if let range = request.range { line += " [\(range.lowerBound)-\(range.upperBound - 1)]" }
    if request.fields["authorization"] != nil { line += " (with credentials)" }
    switch result {
    case .failure(let error): line += ": \(error.message)"
    case .success(let response):
      line += ": \(response.head.status)"
      for name in tellingFields {
        guard let value = response.head.fields[name] else { continue }
        line += " \(name)=\(RemoteURL.quotedWithin(value).asASCII(mostShown))"
      }
      if let location = response.head.fields["location"] {
        line += " location=\(RemoteURL.quoted(location).asASCII(mostShown))"
      }
      for challenge in response.head.fields.values("www-authenticate") {
        line += " www-authenticate=\(RemoteURL.quotedWithin(challenge).asASCII(mostShown))"
      }
    }
    return line + " (\(milliseconds) ms)"
  }
}
