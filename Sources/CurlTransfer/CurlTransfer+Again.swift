internal import CCurl
import Transfer

/// Requests that are made once more, and servers whose connections are shared no more.
extension CurlTransfer {
  /// Whatever was wrong, the next try has a connection of its own.
  func noteFailedSharing() {
    guard job.request.sharesConnection, !job.isFresh, !isMisdirected else { return }
    loop.noteNoSharing(job.request.url.origin)
  }

  /// Whether it says nothing of the request what came, and a connection of its own may bring the answer.
  func isWorthAnother(_ result: Result<TransferResponse, TransferError>) -> Bool {
    metLeftovers(result) || isRefusedByVersion
  }

  /// Whether only the connection was the wrong one, which was there before (RFC 9110, 15.5.20).
  private var isMisdirected: Bool {
    isRefusedByVersion && head.status == 421 && cairn_info_long(easy, CURLINFO_NUM_CONNECTS) == 0
  }

  /// Whether the server has no HTTP/2 after all, though it offered it: some proxies offer what those
  /// behind them do not speak (RFC 9110, 15.5.20).
  ///
  /// A request that has a connection of its own does not come here: that is HTTP/1.1.
  var isRefusedByVersion: Bool { head.refusesHTTP2 && !job.isFresh }

  /// Whether it failed for what the connection still had of the answer before.
  ///
  /// Some servers send bytes beyond an answer's length; that says nothing of this request.
  private func metLeftovers(_ result: Result<TransferResponse, TransferError>) -> Bool {
    guard case .failure(let error) = result, [.badResponse, .broken].contains(error.kind),
      head.status == 0, intake.destination == nil, failure == nil, !job.isFresh
    else { return false }
    return cairn_info_long(easy, CURLINFO_NUM_CONNECTS) == 0
  }
}
