import Transfer

/// Endpoints that may speak plain HTTP where TLS was asked for, and the other way round.
extension EndpointLedger {
  /// Notes that TLS failed where plain HTTP may be spoken; true when it is to be tried.
  ///
  /// Only some servers say at once that they do not speak TLS: others close the connection, or wait
  /// for more. So any failure is taken for that until the endpoint has answered in one way or the
  /// other. With whom TLS was spoken it stays: what was shown to him is for nobody who takes his place.
  func notePlain(_ endpoint: Endpoint, after failure: TransferError.Kind) -> Bool {
    guard endpoint.allowsPlainFallback,
      [.notTLS, .connect, .unanswered, .silentHandshake, .refused, .broken].contains(failure)
    else { return false }
    return change(endpoint) {
      guard !$0.hasAnswered || $0.origin == endpoint.plainOrigin else { return false }
      $0.origin = endpoint.plainOrigin
      // It spoke, and not TLS.
      if failure == .notTLS { $0.hasAnswered = true }
      return true
    }
  }

  /// Guesses in vain after which a server that reacts to plain HTTP, and never to TLS, is taken for
  /// one of plain HTTP.
  private static let mostGuesses = 2

  /// Takes back that plain HTTP is spoken; false where it is known.
  ///
  /// - Parameters:
  ///   - failure: what plain HTTP came to; nil: words that ask for TLS.
  ///   - tls: what TLS had come to; nil: not known.
  func withdrawPlain(
    _ endpoint: Endpoint, after failure: TransferError?, byTLS tls: TransferError.Kind?
  ) -> Bool {
    change(endpoint) {
      guard !$0.hasAnswered, $0.origin != nil else { return false }
      // Half an answer in HTTP is one, as far as this goes.
      let reacts =
        failure?.kind == .broken && tls == .silentHandshake && $0.guesses >= Self.mostGuesses
      guard failure?.hasHead != true, !reacts else {
        $0.hasAnswered = true
        return false
      }
      $0.origin = nil
      $0.hasAnswered = failure == nil
      $0.guesses += 1
      return true
    }
  }

  /// It completed a handshake of TLS, whatever it did then: so it speaks TLS, unless plain HTTP is being
  /// tried.
  func noteHandshake(_ endpoint: Endpoint) {
    guard endpoint.allowsPlainFallback, endpoint.origin.scheme == "https" else { return }
    change(endpoint) { if $0.origin == nil { $0.hasAnswered = true } }
  }

  /// It answered where it was asked.
  func noteAnswer(_ endpoint: Endpoint) {
    if endpoint.allowsPlainFallback { change(endpoint) { $0.hasAnswered = true } }
  }

  /// Seconds to connect by TLS before plain HTTP is tried; nil: there is nothing to guess.
  ///
  /// Less than a mirror has before it counts as late, and twice as long each time that the guess was wrong.
  func guessTimeout(_ endpoint: Endpoint) -> Double? {
    guard endpoint.allowsPlainFallback else { return nil }
    return change(endpoint) {
      $0.hasAnswered || $0.origin != nil ? nil : min(1.5 * Double(1 << min($0.guesses, 8)), 60)
    }
  }

  /// Notes that an endpoint asked over plain HTTP wants TLS, on the same host and port, or on the usual port
  /// in place of the usual one: true where that is so.
  ///
  /// What was meant for plain HTTP may go there, too. Another port may be somebody else's.
  func noteUpgrade(_ endpoint: Endpoint, to origin: RemoteURL.Origin) -> Bool {
    let known = self.origin(of: endpoint)
    guard known.scheme == "http", origin.scheme == "https", origin.host == known.host,
      origin.port == known.port || (known.port, origin.port) == (80, 443)
    else { return false }
    change(endpoint) { $0.origin = origin }
    return true
  }
}
