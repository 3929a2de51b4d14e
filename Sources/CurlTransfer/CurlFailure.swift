import CCurl
import Glibc
import Transfer

extension TransferError.Kind {
  /// What a code of libcurl's means; some mean several things, which only its words tell apart.
  ///
  /// - Parameters:
  ///   - code: libcurl's.
  ///   - errno: why the last connection could not be made; 0: it could, or nobody knows.
  ///   - detail: libcurl's words.
  ///   - isAsked: whether the server asked for a certificate of ours, and there was none.
  ///   - isBegun: whether a connection was made, and its handshake of TLS begun.
  ///   - socks: what a SOCKS proxy said of the server.
  init(
    _ code: CURLcode, errno: Int, detail: String, isAsked: Bool = false, isBegun: Bool = false,
    socks: SocksWord? = nil
  ) {
    // 407, 403, a redirect and the like are the proxy's considered answer; a 5xx passes, and so does a limit.
    if let status = Self.proxyStatus(detail), (300..<500).contains(status) {
      self = [408, 425, 429].contains(status) ? .proxy : .proxyRefused
      return
    }
    self =
      switch code {
      case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
      case CURLE_PROXY: socks?.kind ?? .proxy
      case CURLE_OPERATION_TIMEDOUT
      where isBegun || detail.contains("CONNECT") || detail.contains("SSL connection"):
        .silentHandshake
      case CURLE_COULDNT_CONNECT where errno == ECONNREFUSED: .refused
      case CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT, CURLE_INTERFACE_FAILED: .connect
      case CURLE_SSL_CONNECT_ERROR: Self.handshake(detail, isAsked: isAsked)
      case CURLE_PEER_FAILED_VERIFICATION where detail.contains("subject name"): .wrongName
      case CURLE_PEER_FAILED_VERIFICATION
      where detail.contains("has expired") || detail.contains("not yet valid"):
        .wrongDate
      // Whoever signed it, this machine takes no such key or signature: OpenSSL's security level.
      case CURLE_PEER_FAILED_VERIFICATION where detail.contains("too weak"): .nothingInCommon
      case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
        CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
        .tls
      case CURLE_SSL_CERTPROBLEM: .ownCertificate
      case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: .invalidURL
      case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: .badResponse
      case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT: .setup
      case CURLE_RECV_ERROR where detail.contains("CONNECT"): .proxy
      // With TLS 1.3 the server's word on a certificate comes when the handshake is over.
      case CURLE_RECV_ERROR where detail.contains(" alert "),
        CURLE_SEND_ERROR where detail.contains(" alert "):
        Self.handshake(detail, isAsked: isAsked)
      case CURLE_RECV_ERROR where detail.contains("chunked-encoding"): .badResponse
      default: .broken
      }
  }

  /// What a handshake came to, by OpenSSL's words.
  private static func handshake(_ detail: String, isAsked: Bool) -> Self {
    func says(_ words: String...) -> Bool { words.contains { detail.contains($0) } }
    if says("wrong version number", "packet length too long", "http request") { return .notTLS }
    // Bytes that were changed or cut off on the way, which a retry can mend.
    if says("bad record mac", "decode error", "decrypt error", "unexpected eof") { return .broken }
    if says(" alert ") {
      // Who asked for a certificate and got none has a reason; so has who names one.
      return isAsked || says("certificate", "unknown ca", "access denied")
        ? .tlsRefused : .nothingInCommon
    }
    if says("certificate") { return .tls }
    // This end refused: the version, the ciphers or the signatures that the other one has.
    return says("SSL routines") ? .nothingInCommon : .broken
  }

  /// What a proxy answered to CONNECT, by libcurl's words; nil: they are about something else.
  static func proxyStatus(_ detail: String) -> Int? {
    guard detail.contains("CONNECT"), let said = detail.firstRange(of: "response ") else {
      return nil
    }
    // 0 is libcurl's word for an answer that is no HTTP.
    return Int(detail[said.upperBound...].prefix { $0.isASCII && $0.isNumber }).flatMap {
      $0 > 0 ? $0 : nil
    }
  }
}

/// What is said of a server on the way to it by SOCKS, where that will not change.
enum SocksWord {
  /// It has no such host, or knows no way to it: proxies have one word for both.
  case unreachable
  /// Nobody listens there.
  case refused
  /// The name was looked up here, since the proxy takes addresses alone, and has none.
  case nameless
  /// SOCKS 4 has one word for all of that, which a name that does not exist is most likely of.
  case failed

  /// - Parameter code: of `CURLINFO_PROXY_ERROR`; nil: any other word, which may be of a moment.
  init?(_ code: Int) {
    switch code {
    case Int(CURLPX_REPLY_HOST_UNREACHABLE.rawValue): self = .unreachable
    case Int(CURLPX_REPLY_CONNECTION_REFUSED.rawValue): self = .refused
    case Int(CURLPX_RESOLVE_HOST.rawValue): self = .nameless
    case Int(CURLPX_REQUEST_FAILED.rawValue): self = .failed
    default: return nil
    }
  }

  var kind: TransferError.Kind {
    switch self {
    case .unreachable, .refused, .failed: .refused
    case .nameless: .resolve
    }
  }

  /// The same for people.
  ///
  /// - Parameters:
  ///   - words: libcurl's.
  ///   - server: who is behind the proxy.
  func told(_ words: String, server: String, proxy: String) -> String {
    switch self {
    case .unreachable: words + " (there is no such host, or no way to it)"
    case .refused: words + " (nobody listens there)"
    case .nameless: words + " (looked up here, since \(proxy) takes addresses alone)"
    case .failed:
      // libcurl names the address 0.0.0.0, which SOCKS 4a has for a name.
      "no way to \(server) (there is no such host, nobody listens there, or it is not allowed)"
    }
  }
}

extension CurlTransfer {
  /// Whom the connection is made to: the proxy, or the server itself.
  var peer: String { proxy?.description ?? server }

  var server: String { job.request.url.origin.description }

  /// What the way by SOCKS came to; nil: something else failed, or it may pass.
  func socksWord(_ code: CURLcode) -> SocksWord? {
    code == CURLE_PROXY ? SocksWord(cairn_info_long(easy, CURLINFO_PROXY_ERROR)) : nil
  }

  /// Who is not there, where nobody is: who is connected to, or who is behind a SOCKS proxy.
  func missing(_ code: CURLcode) -> String { socksWord(code) == nil ? peer : server }

  /// Notes that who was asked is there, and who is behind a SOCKS proxy.
  func noteReached() {
    loop.noteReached(peer)
    if let proxy, ![.http, .https].contains(proxy.scheme) { loop.noteReached(server) }
  }

  /// The error with the proxy that it is about; where that had let us through, with the way.
  ///
  /// All that comes before a way to the server was made is the proxy's own doing.
  ///
  /// - Parameters:
  ///   - error: the transfer's.
  ///   - code: libcurl's; nil: it was ended by a rule of ours.
  func placed(_ error: TransferError, _ code: CURLcode?) -> TransferError {
    guard let proxy, error.isOfTheWay || code == CURLE_COULDNT_RESOLVE_PROXY else { return error }
    // Its own answer is no failure of its own, and names it already.
    if error.message.contains(proxy.description) { return error }
    guard !isThrough(code) else {
      return error.saying("\(error.message) (by the proxy \(proxy.description))")
    }
    let words = Self.connectWords(error.message)
    var placed = error.saying("the proxy \(proxy.description): \(words)")
    placed.failedProxy = proxy.description
    return placed
  }

  /// What libcurl says where a proxy's answer is no HTTP.
  private static func connectWords(_ words: String) -> String {
    words.contains("CONNECT") && words.contains("response 0")
      ? "the answer to CONNECT is not HTTP" : words
  }

  /// What to say of a handshake without an end, where libcurl says only that time is over.
  ///
  /// - Parameter words: libcurl's.
  func silenceWords(_ words: String) -> String {
    let seconds = job.request.access.connectTimeout ?? settings.connectTimeout
    let limit = Int(exactly: seconds).map { "\($0)" } ?? "\(seconds)"
    return words.contains("CONNECT")
      ? "CONNECT had no answer within \(limit) s" : "the TLS handshake had no end within \(limit) s"
  }

  /// What to say of a certificate and key of ours, whose files libcurl never saw.
  ///
  /// - Parameter words: libcurl's.
  func certificateWords(_ words: String) -> String {
    guard let own = job.request.access.clientCertificate else { return words }
    let key = own.key.map { "the key \($0)" } ?? "the key in it"
    return "the client certificate \(own.certificate) cannot be used with \(key): \(words)"
  }

  /// Whether a proxy had made a way to the server.
  private func isThrough(_ code: CURLcode?) -> Bool {
    if let code, [CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY].contains(code) {
      return false
    }
    if let code, socksWord(code) != nil { return true }
    // Of a way by SOCKS libcurl says nothing else but that it failed.
    guard let proxy, [.http, .https].contains(proxy.scheme) else { return code != CURLE_PROXY }
    guard job.request.url.origin.scheme == "https" else { return head.status > 0 }
    // On a way that was made for an earlier request nothing is said of CONNECT.
    return isConnected || (200..<300).contains(cairn_info_long(easy, CURLINFO_HTTP_CONNECTCODE))
  }

  /// The host whose name could not be looked up, where that is why the transfer failed.
  func unknownHost(_ error: TransferError, _ code: CURLcode) -> String? {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST where error.kind == .resolve: job.request.url.origin.host
    case CURLE_PROXY where error.kind == .resolve: job.request.url.origin.host
    case CURLE_COULDNT_RESOLVE_PROXY: proxy?.host
    default: nil
    }
  }
}
