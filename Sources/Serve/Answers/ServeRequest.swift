/// A request, as far as it matters what is asked for.
package struct ServeRequest: Sendable {
  /// `GET` or `HEAD`, or what is not served.
  package var method: String
  /// Path and query, as the request line has them.
  package var target: String
  /// The value of `Range`, where there is one.
  package var range: String?
  /// Who asks.
  package var caller: Caller

  /// Makes a request.
  package init(method: String, target: String, range: String? = nil, caller: Caller) {
    self.method = method
    self.target = target
    self.range = range
    self.caller = caller
  }

  var isHead: Bool { method == "HEAD" }
}
