import FoundationEssentials
import OCI
package import Registry

/// Answers that say what is wrong, in the registry's form: `{"errors":[{"code":…,"message":…}]}`.
extension Answer {
  /// Codes of the OCI distribution specification.
  package enum Code: String, Sendable {
    case nameUnknown = "NAME_UNKNOWN"
    case manifestUnknown = "MANIFEST_UNKNOWN"
    case blobUnknown = "BLOB_UNKNOWN"
    case unauthorized = "UNAUTHORIZED"
    case denied = "DENIED"
    case unsupported = "UNSUPPORTED"
    case tooManyRequests = "TOOMANYREQUESTS"
    /// The specification has none for what goes wrong behind a proxy.
    case unknown = "UNKNOWN"
    case unavailable = "UNAVAILABLE"
  }

  private struct Document: Encodable {
    struct Entry: Encodable {
      let code: String
      let message: String
    }
    let errors: [Entry]
  }

  /// An error.
  ///
  /// - Parameters:
  ///   - status: the status code.
  ///   - code: the specification's word for it.
  ///   - message: a clause for people; what acts on a terminal is escaped, and what is long is cut.
  ///   - fields: more fields.
  package static func error(
    _ status: Int, _ code: Code, _ message: String,
    _ fields: [(name: String, value: String)] = []
  ) -> Answer {
    let entry = Document.Entry(code: code.rawValue, message: message.shownSafely(limit: 1_000))
    let body = (try? JSONEncoder().encode(Document(errors: [entry]))).map { Array($0) } ?? []
    return Answer(status, [("Content-Type", "application/json")] + fields, .bytes(body))
  }

  /// There is no room in memory for what was asked for.
  package static var noRoom: Answer {
    .error(
      503, .unavailable, "too much is held for callers that do not take it; ask again in a while",
      [("Retry-After", "5")])
  }

  /// What is said of something that upstream did not give.
  ///
  /// - Parameters:
  ///   - error: why.
  ///   - missing: the code where it is not there.
  package static func error(_ error: RegistryError, missing: Code) -> Answer {
    let message = error.description
    switch error.kind {
    case .notFound: return .error(404, missing, message)
    // Whatever its words were: this caller does not get it, and another may.
    case .unauthorised: return .error(401, .unauthorized, message)
    case .overloaded(let wait):
      let seconds = wait.map { Int(clamping: min(max(1, $0), 86_400).rounded(.up)) }
      let fields: [(name: String, value: String)] = seconds.map { [("Retry-After", "\($0)")] } ?? []
      // Who is out of order limits nobody.
      return error.status.map { $0 >= 500 } ?? false
        ? .error(503, .unavailable, message, fields)
        : .error(429, .tooManyRequests, message, fields)
    case .transfer where error.isStall:
      return .error(504, .unavailable, message)
    case .transfer, .serverError, .rangeRefused, .protocolError, .integrity, .unusable,
      .refusedTarget:
      return .error(502, .unavailable, message)
    }
  }
}
