/// An encoding that a body comes in though nobody asked for one, and that is undone as it comes.
package enum BodyCoding: Sendable, Equatable {
  case gzip, deflate

  /// What `Content-Encoding` says.
  ///
  /// - Parameter field: its value.
  /// - Returns: nil for none, for one that is not known, and for several.
  package init?(_ field: String) {
    let names = ContentDecoding.codings(field)
    switch names.first {
    case "gzip", "x-gzip": self = .gzip
    case "deflate": self = .deflate
    default: return nil
    }
    if names.count > 1 { return nil }
  }
}
