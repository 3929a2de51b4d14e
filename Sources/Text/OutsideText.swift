/// Text that somebody else wrote, and that costs no more than its length, whatever is done with it.
extension String {
  /// Reads UTF-8; what is none becomes U+FFFD, and runs of marks are bounded.
  ///
  /// - Parameter bytes: of a server, a file or another program.
  package init(outside bytes: some Collection<UInt8>) {
    self = String(decoding: bytes, as: UTF8.self).withBoundedMarks
  }

  /// Reads UTF-8, and bounds runs of marks.
  ///
  /// - Parameter bytes: of a server, a file or another program.
  /// - Returns: nil where it is no UTF-8.
  package init?(validatingOutside bytes: some Collection<UInt8>) {
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    self = text.withBoundedMarks
  }

  /// The text with at most 30 combining marks, or 64 letters of flags, in a row.
  package var withBoundedMarks: String {
    guard MarkRuns.mayBe(in: utf8) else { return self }
    var runs = MarkRuns()
    guard !unicodeScalars.allSatisfy({ runs.keeps($0) }) else { return self }
    runs = MarkRuns()
    var kept = String.UnicodeScalarView()
    for scalar in unicodeScalars where runs.keeps(scalar) { kept.append(scalar) }
    return String(kept)
  }
}
