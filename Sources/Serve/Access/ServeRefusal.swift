/// Why somebody gets nothing, or why a service does not begin.
package struct ServeRefusal: Error, Sendable, Equatable {
  /// The status of HTTP.
  var status: Int
  /// The code of the specification.
  var code: Answer.Code
  /// One clause; nothing in it is secret.
  package var message: String
  /// Values of `WWW-Authenticate`, as they are to be sent.
  var challenges: [String] = []

  /// What nobody may ask like this.
  static func badRequest(_ message: String) -> ServeRefusal {
    ServeRefusal(status: 400, code: .unsupported, message: message)
  }

  /// What is refused whoever asks.
  static func forbidden(_ message: String) -> ServeRefusal {
    ServeRefusal(status: 403, code: .denied, message: message)
  }

  /// What whoever shows something else may get.
  static func unauthorized(_ message: String, challenges: [String]) -> ServeRefusal {
    ServeRefusal(status: 401, code: .unauthorized, message: message, challenges: challenges)
  }

  /// The answer that says so.
  var answer: Answer {
    .error(status, code, message, challenges.map { ("WWW-Authenticate", $0) })
  }
}
