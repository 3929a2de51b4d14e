import Transfer

/// What the error codes of the distribution specification say, whatever status they come with.
///
/// - Source: distribution-spec, "Error Codes".
enum ErrorCode {
  /// The statuses that such errors have by the specification.
  private static let statuses: [String: Int] = [
    "BLOB_UNKNOWN": 404, "MANIFEST_UNKNOWN": 404, "MANIFEST_BLOB_UNKNOWN": 404,
    "NAME_UNKNOWN": 404, "NAME_INVALID": 400, "DIGEST_INVALID": 400, "UNAUTHORIZED": 401,
    "DENIED": 403, "TOOMANYREQUESTS": 429, "UNSUPPORTED": 405,
  ]

  /// Whether a code is none, or the one for anything.
  static func saysNothing(_ code: String?) -> Bool {
    code.map { $0.uppercased() == "UNKNOWN" } ?? true
  }

  /// The status that the first code with a meaning stands for; nil: none has one.
  static func status(_ codes: [String]) -> Int? {
    codes.lazy.compactMap { statuses[$0.uppercased()] }.first
  }
}

extension TransferResponse {
  /// The status, as the registry's own error code means it where there is one and the status is only
  /// that something is wrong.
  ///
  /// Some registries, and what stands before them, call everything 500 that is not there or not
  /// allowed, or everything 400.
  var meaning: Int {
    let status = head.status
    if status == 400, let meant = ErrorCode.status(ErrorBody(self).codes),
      [401, 403, 404].contains(meant)
    {
      return meant
    }
    // 503 and its kin say of themselves that they pass.
    guard (500..<600).contains(status), ![503, 529].contains(status) else { return status }
    return ErrorCode.status(ErrorBody(self).codes) ?? status
  }
}
