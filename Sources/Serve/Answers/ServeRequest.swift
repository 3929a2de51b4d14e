import OCI

/// A request, as far as it matters what is asked for.
package struct ServeRequest: Sendable {
  /// `GET` or `HEAD`, or what is not served.
  package var method: String
  /// Path and query, as the request line has them.
  package var target: String
  /// The value of `Range`, where there is one.
  package var range: String?
  /// What `Range` holds for (`If-Range`); none: whatever there is.
  package var validators: [String]
  /// Who asks.
  package var caller: Caller

  /// Makes a request.
  package init(
    method: String, target: String, range: String? = nil, validators: [String] = [],
    caller: Caller
  ) {
    self.method = method
    self.target = target
    self.range = range
    self.validators = validators
    self.caller = caller
  }

  var isHead: Bool { method == "HEAD" }

  /// The range that is asked of a blob; nil: all of it.
  ///
  /// A blob has one strong validator and no date, so whoever has bytes of anything else gets all of it.
  ///
  /// - Source: RFC 9110, 13.1.5 and 14.2.
  func range(of digest: Digest) -> String? {
    !isHead && validators.allSatisfy({ $0 == digest.entityTag }) ? range : nil
  }
}

extension Digest {
  /// What tells this content from any other, as `ETag` has it.
  var entityTag: String { "\"\(self)\"" }
}
