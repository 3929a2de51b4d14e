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
  init(_ code: CURLcode, errno: Int, detail: String) {
    // 407, 403, a redirect and the like are the proxy's considered answer; a 5xx passes, and so does a limit.
    if let status = Self.proxyStatus(detail), (300..<500).contains(status) {
      self = [408, 425, 429].contains(status) ? .proxy : .proxyRefused
      return
    }
    self =
      switch code {
      case CURLE_COULDNT_RESOLVE_HOST: .resolve
      case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: .proxy
      case CURLE_COULDNT_CONNECT where errno == ECONNREFUSED: .refused
      case CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT, CURLE_INTERFACE_FAILED: .connect
      case CURLE_SSL_CONNECT_ERROR:
        if detail.contains("wrong version number") || detail.contains("packet length too long") {
          .notTLS
        } else if detail.contains(" alert ") {
          .tlsRefused
        } else if detail.contains("certificate") || detail.contains("unsupported protocol")
          || detail.contains("no ciphers")
        {
          .tls
        } else {
          // A handshake that was cut off, which a retry can mend.
          .broken
        }
      case CURLE_PEER_FAILED_VERIFICATION where detail.contains("subject name"): .wrongName
      case CURLE_PEER_FAILED_VERIFICATION
      where detail.contains("has expired") || detail.contains("not yet valid"):
        .wrongDate
      case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
        CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
        .tls
      case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: .invalidURL
      case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: .badResponse
      case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT: .setup
      case CURLE_RECV_ERROR where detail.contains("CONNECT"): .proxy
      // With TLS 1.3 the server's word on a certificate comes when the handshake is over.
      case CURLE_RECV_ERROR where detail.contains(" alert "),
        CURLE_SEND_ERROR where detail.contains(" alert "):
        .tlsRefused
      case CURLE_RECV_ERROR where detail.contains("chunked-encoding"): .badResponse
      default: .broken
      }
  }

  /// What a proxy answered to CONNECT, by libcurl's words; nil: they are about something else.
  static func proxyStatus(_ detail: String) -> Int? {
    guard detail.contains("CONNECT"), let said = detail.firstRange(of: "response ") else {
      return nil
    }
    return Int(detail[said.upperBound...].prefix { $0.isASCII && $0.isNumber })
  }
}

extension CurlTransfer {
  /// Whom the connection is made to: the proxy, or the server itself.
  var peer: String { proxy?.description ?? job.request.url.origin.description }

  /// The proxy that a failure is about, and not the server behind it.
  func failedProxy(_ code: CURLcode, _ kind: TransferError.Kind) -> String? {
    switch code {
    case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY: return proxy?.description
    default:
      // A server's own TLS begins when its proxy has answered CONNECT.
      let isTunnelled = cairn_info_long(easy, CURLINFO_HTTP_CONNECTCODE) != 0
      return kind.isOfTLS && proxy?.scheme == .https && !isTunnelled ? proxy?.description : nil
    }
  }

  /// The host whose name could not be looked up, where that is why the transfer failed.
  func unknownHost(_ error: TransferError, _ code: CURLcode) -> String? {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST where error.kind == .resolve: job.request.url.origin.host
    case CURLE_COULDNT_RESOLVE_PROXY: proxy?.host
    default: nil
    }
  }
}
