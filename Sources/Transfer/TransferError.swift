import Text

/// Why a transfer could not be made or ended early.
package struct TransferError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What kind of thing went wrong.
  package enum Kind: Equatable, Sendable {
    /// A URL is malformed or of a scheme that is not followed.
    case invalidURL
    /// The host name has no address for the moment: name servers fail, or say nothing.
    case resolve
    /// There is no such host name, as the name servers say, and it never had an address in this run.
    case noSuchHost
    /// No connection could be made, to whoever had taken some before, or not for the moment.
    case connect
    /// No connection within the time allowed, to whom none was made in this run.
    case unanswered
    /// A connection was made, and its handshake came to no end within the time allowed: that of TLS, or
    /// a proxy's word on the way to the server.
    case silentHandshake
    /// Every connection was refused, from the first one of this run on.
    case refused
    /// The proxy cannot be reached or refused.
    case proxy
    /// The proxy answered, and wants a login or does not let us through.
    case proxyRefused
    /// The TLS handshake failed or the certificate is not trusted.
    case tls
    /// The server ended the TLS handshake: it wants a client certificate, most likely, or another one.
    case tlsRefused
    /// The TLS handshake failed, since both ends have no version, cipher, key or signature in
    /// common, or the server has no certificate for the host's name.
    case nothingInCommon
    /// The certificate is trusted, and for other names than the host's.
    case wrongName
    /// The certificate is not valid yet, or not any more, by this machine's clock.
    case wrongDate
    /// The client certificate or key that is to be shown cannot be read, or one is not the other's.
    case ownCertificate
    /// A TLS handshake got an answer that is not TLS: probably plain HTTP.
    case notTLS
    /// The connection broke.
    case broken
    /// Less than the minimum rate arrived for too long.
    case stalled
    /// The response is not HTTP, or larger than its limit.
    case badResponse
    /// Writing what arrived failed; `errno` tells why.
    case disk(errno: Int32)
    /// The transfer was cancelled.
    case cancelled
    /// libcurl could not be set up.
    case setup
  }

  /// What kind of thing went wrong.
  package let kind: Kind
  /// One clause for people, already capped.
  package let message: String
  /// Whether the server had begun an answer in HTTP.
  package var hasHead = false
  /// Whether a handshake of TLS was complete before: its end is the server's.
  package var hadHandshake = false
  /// Whether a certificate of ours was there to be shown.
  package var hadCertificate = false
  /// The proxy, without credentials, that cannot be found or reached, or whose TLS fails; nil: it is
  /// not about one.
  package var failedProxy: String?
  /// The schemes by which the proxy wants a login before it lets us through; nil: it wants none.
  package var proxySchemes: [String]?
  /// After how many bytes an answer with all of a blob broke off that brought nothing which was not
  /// here already; nil: it is about something else.
  package var cut: Int64?

  /// Makes an error.
  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The message.
  package var description: String { message }

  /// True where trying again can help.
  package var isTransient: Bool {
    switch kind {
    case .resolve, .connect, .silentHandshake, .proxy, .broken, .stalled, .badResponse: true
    case .noSuchHost, .refused, .unanswered, .proxyRefused, .tls, .tlsRefused, .nothingInCommon,
      .wrongName,
      .wrongDate, .ownCertificate, .notTLS, .invalidURL, .disk, .cancelled, .setup:
      false
    }
  }

  /// True for what one bad server of several behind a name says, and the others may not.
  package var mayBeOneNode: Bool {
    [.tls, .tlsRefused, .nothingInCommon, .wrongName, .wrongDate, .badResponse].contains(kind)
  }

  /// True for what failed between here and the server, and not on this machine.
  package var isOfTheWay: Bool {
    switch kind {
    case .invalidURL, .resolve, .noSuchHost, .ownCertificate, .disk, .cancelled, .setup: false
    default: true
    }
  }

  /// The same error in other words.
  package func saying(_ message: String) -> TransferError {
    var error = TransferError(kind, message)
    (error.hasHead, error.failedProxy, error.cut) = (hasHead, failedProxy, cut)
    error.proxySchemes = proxySchemes
    (error.hadHandshake, error.hadCertificate) = (hadHandshake, hadCertificate)
    return error
  }

  /// True for what is most likely a wrong name or port, a server that is off, or a firewall before it: worth
  /// one more try, at once.
  package var isAbsence: Bool { [.noSuchHost, .refused, .unanswered].contains(kind) }

  static func invalidURL(_ text: String, _ reason: String) -> TransferError {
    let shown = RemoteURL.quoted(text).asASCII(120)
    return TransferError(.invalidURL, "URL \"\(shown)\" is refused: \(reason)")
  }
}
