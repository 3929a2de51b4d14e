internal import CCurl
import Transfer

/// Where bodies end.
///
/// libcurl takes the first digits of any `Content-Length` for one, and the last of several; what it
/// makes nothing of it passes over, and reads on until the connection is closed, which whoever said
/// a length keeps open.
extension CurlTransfer {
  /// Judges an answer by whether it is known where it ends.
  ///
  /// - Parameters:
  ///   - head: the answer's.
  ///   - destination: where its body is to go.
  /// - Returns: false where it ends here: it cannot be used, or its head alone tells.
  func judgeLength(_ head: ResponseHead, _ destination: BodyDestination) -> Bool {
    guard job.request.method != .head else { return true }
    switch ContentLength(head.fields) {
    case .bytes(0) where !head.fields.values("transfer-encoding").isEmpty:
      // Nothing comes after which it could be ended.
      intake.end()
      return false
    case .unsaid, .bytes: return true
    case .unreadable(let said):
      switch destination {
      case .beginning, .refuse: intake.end()
      case .memory, .window, .decoded:
        failure = TransferError(.badResponse, "the answer has the Content-Length \"\(said)\"")
      }
      return false
    }
  }

  /// Whether libcurl ends the body by itself, where a length was said.
  var libcurlKnowsEnd: Bool { cairn_info_off(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) >= 0 }

  /// Whether only the end of its connection tells where the body ends.
  var endsWithConnection: Bool {
    bodyEnd == nil && head.head.fields.values("transfer-encoding").isEmpty
  }

  /// The error of an answer with a length that libcurl itself finds to be none, and keeps to itself.
  func lengthError(_ code: CURLcode) -> TransferError? {
    guard code == CURLE_WEIRD_SERVER_REPLY,
      String(cString: errorBuffer).contains("Content-Length")
    else { return nil }
    return TransferError(.badResponse, "the answer has a Content-Length that is no number")
  }
}
