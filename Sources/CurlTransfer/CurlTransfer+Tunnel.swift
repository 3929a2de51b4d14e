internal import CCurl
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
