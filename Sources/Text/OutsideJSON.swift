package import FoundationEssentials

/// Decodes JSON that somebody else wrote, in time and memory that grow with its length only.
///
/// The decoder at hand puts names of members into a dictionary, and every user of it compares
/// strings: what is too long a run of marks in them, written out or as escapes, is not read. The
/// bytes stay what they are: digests are of these.
package enum OutsideJSON {
  /// Decodes a value.
  ///
  /// - Parameters:
  ///   - type: its type.
  ///   - data: UTF-8; the decoder's guesses at other encodings are not for documents of others.
  /// - Throws: `DecodingError`; also for what has more values than `JSONValues` lets it have.
  package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value
  {
    if let limit = JSONValues.limitExceeded(by: data) {
      throw invalid("it has more than \(limit) values")
    }
    return try JSONDecoder().decode(type, from: try bounded(data))
  }

  /// The document without the marks that are not read.
  static func bounded(_ data: Data) throws -> Data {
    // In UTF-16 and UTF-32 every document has a zero.
    guard !data.contains(0) else { throw invalid("it is not UTF-8") }
    guard MarkRuns.mayBe(in: data) || hasEscapedScalar(data) else { return data }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw invalid("it is not UTF-8")
    }
    var reader = JSONMarks(text.unicodeScalars)
    guard reader.hasLongRun else { return data }
    return Data(reader.bounded.utf8)
  }

  /// Whether a character may be written as its number: other escapes are of no mark.
  private static func hasEscapedScalar(_ data: Data) -> Bool {
    data.withUnsafeBytes { bytes in
      var wasBackslash = false
      for byte in bytes {
        if wasBackslash, byte == UInt8(ascii: "u") { return true }
        wasBackslash = byte == UInt8(ascii: "\\")
      }
      return false
    }
  }

  private static func invalid(_ words: String) -> DecodingError {
    .dataCorrupted(.init(codingPath: [], debugDescription: words))
  }
}
