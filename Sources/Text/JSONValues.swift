/// How many values a JSON text of others may have, counted before anything is made of it.
///
/// A value costs some 80 bytes once it is read, however few it has in the text: a manifest of `1,1,1…` would
/// be sixty times as large in memory, and take seconds. What people and programs write has names and digests
/// in it: 20,000 layers without annotations have 40 bytes for each value, an image's configuration has 25, an
/// export of a history 20. So a reader never needs more than five times the text's length.
package enum JSONValues {
  /// Values that every text may have, however short it is: 5 MiB once they are read.
  package static let always = 1 << 16
  /// Bytes that a longer text must have for each of its values; space between them is none of these, so that
  /// what is written without it may be read, too.
  package static let bytesEach = 16

  /// Finds out whether a text has more values than it may have.
  ///
  /// In one pass, and without knowing the grammar: each value but the first follows a comma or an opening
  /// bracket outside of strings. What is no JSON may be counted too high, and is refused anyway.
  ///
  /// - Parameter bytes: UTF-8.
  /// - Returns: how many it may have, where it has more; nil: it may be read.
  package static func limitExceeded(by bytes: some Collection<UInt8>) -> Int? {
    // No text has more values than bytes.
    guard bytes.count > always else { return nil }
    let (values, spaces) = bytes.withContiguousStorageIfAvailable { count($0) } ?? count(bytes)
    let limit = max(always, (bytes.count - spaces) / bytesEach)
    return values > limit ? limit : nil
  }

  private static func count(_ bytes: some Collection<UInt8>) -> (values: Int, spaces: Int) {
    var (values, spaces) = (1, 0)
    var (isInString, isEscaped) = (false, false)
    for byte in bytes {
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        } else {
          isEscaped = byte == UInt8(ascii: "\\")
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isInString = true
      case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "{"): values += 1
      case 0x20, 0x09, 0x0A, 0x0D: spaces += 1
      default: continue
      }
    }
    return (values, spaces)
  }
}
