/// `ns` in a query, which names the registry that is meant to a mirror.
package enum NamespaceField {
  /// Whether a field of a query is one, however its name is written.
  ///
  /// - Parameter field: what stands between two `&`.
  package static func isOne(_ field: Substring) -> Bool {
    PercentCode.decoded(field.prefix { $0 != "=" }) == "ns"
  }

  /// The value of the first that has one, as it came.
  ///
  /// - Parameter query: without its `?`.
  package static func value(in query: String) -> Substring? {
    query.split(separator: "&").lazy.filter(isOne).map { $0.drop { $0 != "=" }.dropFirst() }
      .first { !$0.isEmpty }
  }

  /// A query's fields without those.
  static func removed(from query: Substring) -> [Substring] {
    query.split(separator: "&").filter { !isOne($0) }
  }
}
