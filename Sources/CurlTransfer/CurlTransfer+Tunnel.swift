internal import CCurl
import Text
import Transfer

/// Proxies that answer the request for a way to a server without an end.
extension CurlTransfer {
  /// Seconds that libcurl may be busy with one proxy's answer, while all other transfers wait.
  ///
  /// What the others do in the same turn does not count, nor does a disk that holds them up.
  private static let longestTurn = 2.0

  /// Has libcurl ask, while it reads a proxy's answer, whether it may go on.
  ///
  /// It reads on as long as there is something to read, and looks at no time limit meanwhile: a body
  /// that comes quickly enough would keep the thread for ever.
  func watchTunnel() {
    cairn_set_progress(
      easy,
      { context, _, _, _, _ in
        guard let context else { return 1 }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        return transfer.mayGoOn() ? 0 : 1
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func mayGoOn() -> Bool {
    guard !isConnected, watch.seconds(inTurn: loop.turn) > Self.longestTurn, let proxy else {
      return true
    }
    // Another try may find it better: who is stopped for seconds in the midst of this comes here, too.
    failure = TransferError(
      .proxy, "the proxy \(proxy.description) answered CONNECT without an end")
    return false
  }
}

/// What a proxy says of the way that it was asked for.
extension CurlTransfer {
  /// Whether the lines of a head that come are the proxy's answer to CONNECT.
  var isTunnelling: Bool {
    guard let proxy, [.http, .https].contains(proxy.scheme) else { return false }
    return job.request.url.origin.scheme == "https" && !isConnected
  }

  /// The error of a proxy that answered CONNECT with another status than 2xx; nil: it did not.
  func connectRefusal(_ kind: TransferError.Kind, _ words: String) -> TransferError? {
    guard let proxy, let status = TransferError.Kind.proxyStatus(words) else { return nil }
    let reason = tunnel.status == status ? tunnel.reason.asASCII(60) : ""
    var error = TransferError(
      kind,
      "the proxy \(proxy.description) answered \(status)\(reason.isEmpty ? "" : " (\(reason))") to CONNECT"
    )
    guard status == 407 else { return error }
    error.proxySchemes = ProxySchemes.offered(by: tunnel.fields)
    return error
  }
}

/// The ways of logging in that a proxy offers.
enum ProxySchemes {
  /// The most that are told.
  private static let most = 5

  /// The schemes of `Proxy-Authenticate`, as they are written, each once.
  static func offered(by fields: HTTPFields) -> [String] {
    var schemes: [String] = []
    // What stands behind a comma may be a parameter of the scheme before.
    for part in fields.values("proxy-authenticate").flatMap({ $0.split(separator: ",") }) {
      let words = part.split(separator: " ")
      guard let scheme = words.first, !scheme.contains("="),
        words.count == 1 || !words[1].hasPrefix("="),
        scheme.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }),
        schemes.count < most,
        !schemes.contains(where: { $0.lowercased() == scheme.lowercased() })
      else { continue }
      schemes.append(String(scheme.prefix(20)))
    }
    return schemes
  }
}
