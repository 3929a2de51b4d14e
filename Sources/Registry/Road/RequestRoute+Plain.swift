import Transfer

/// Endpoints that may speak plain HTTP where TLS was asked for.
extension RequestRoute {
  /// Decides whether a failed transfer can be tried another way at once.
  ///
  /// - Throws: the error of the transfer where it cannot.
  mutating func recover(from error: TransferError) throws(RegistryError) {
    let failure = RegistryError.transfer(error, from: url.origin, fetching: what, isNamed: isSent)
    guard case .endpoint(let endpoint, let path, _) = start else { throw failure }
    if let failureByTLS,
      client.ledger.withdrawPlain(endpoint, after: error, byTLS: failureByTLS.transferKind)
    {
      if let neither = Self.neither(failureByTLS, error, endpoint, what) { throw neither }
      // TLS was only a guess of a moment; who was waited for in vain is to be told of.
      throw error.kind == .stalled ? failure : failureByTLS
    }
    if url.origin == endpoint.origin, error.hadHandshake { client.ledger.noteHandshake(endpoint) }
    // Compared with the endpoint as configured: another request may have found it out meanwhile.
    guard url.origin == endpoint.origin, client.ledger.notePlain(endpoint, after: error.kind)
    else { throw failure }
    failureByTLS = failure
    client.tell(.detail("\(endpoint.origin.authority) is asked by plain HTTP"))
    url = try Self.url(endpoint, path, what, client)
  }

  /// The error of a server that hangs up on TLS and on plain HTTP, or is silent to both: it is
  /// about to begin, or none.
  ///
  /// - Returns: nil where the two came to different things.
  private static func neither(
    _ byTLS: RegistryError, _ plain: TransferError, _ endpoint: Endpoint, _ what: String
  ) -> RegistryError? {
    guard case .transfer(let tls) = byTLS.kind else { return nil }
    let (kind, does, looks): (RegistryError.Kind, String, Int)
    var hint =
      "is a registry running there? the port of a container in which nobody listens does this"
    switch (tls.kind, plain.kind) {
    case (.broken, .broken): (kind, does, looks) = (.protocolError(transient: false), "hangs up", 3)
    // Each look takes a whole time limit.
    case (.silentHandshake, .stalled):
      (kind, does, looks) = (.transfer(plain), "says nothing", 1)
      hint += "; --stall-timeout is how long it has"
    default: return nil
    }
    var error = RegistryError(
      kind,
      "\(endpoint.origin.authority), \(what): it takes connections and \(does), by TLS "
        + "(\(tls.message)) and by plain HTTP (\(plain.message))", hint: hint)
    error.secondLooks = looks
    return error
  }

  /// Takes in what an answer shows of what the endpoint speaks.
  ///
  /// - Returns: true where it is to be asked again: servers of TLS have their own words for plain HTTP.
  mutating func learnScheme(from outcome: Outcome<some Sendable>) throws(RegistryError) -> Bool {
    guard let endpoint = endpointHere else { return false }
    if failureByTLS != nil, case .aside(let response) = outcome,
      ResponseJudge.wantsTLS(response),
      client.ledger.withdrawPlain(endpoint, after: nil, byTLS: nil),
      case .endpoint(_, let path, _) = start
    {
      url = try Self.url(endpoint, path, what, client)
      return true
    }
    client.ledger.noteAnswer(endpoint)
    return false
  }

  /// The time to connect, where something has to be guessed first.
  func patience(_ endpoint: Endpoint) -> ServerAccess {
    var access = endpoint.access
    if let guess = client.ledger.guessTimeout(endpoint) {
      access.connectTimeout = min(access.connectTimeout ?? guess, guess)
    }
    return access
  }
}
