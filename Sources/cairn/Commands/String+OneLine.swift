import OCI

extension String {
  /// The name of an image, as a part of a line: whoever wrote a store's index could end the line,
  /// and make up the next.
  var asOneLine: String { shownSafely(limit: 500) }
}
