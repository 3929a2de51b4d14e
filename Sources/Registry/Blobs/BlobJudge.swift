import OCI
import Transfer

/// What the head of an answer to a blob request means.
enum BlobJudge: Equatable {
  /// The body is content that begins at this offset of the blob; `isWhole` where all of it comes.
  case content(offset: Int64, isWhole: Bool)
  /// The body is not content: a redirect or an error.
  case aside
  /// The answer cannot be used.
  case refused(RegistryError.Kind, String)

  /// Judges a head.
  ///
  /// - Parameters:
  ///   - head: status and fields.
  ///   - wanted: the range that was asked for; nil: everything was.
  ///   - size: the blob's size by its descriptor.
  static func judge(_ head: ResponseHead, wanted: Range<Int64>?, size: Int64) -> BlobJudge {
    let encoding = head.fields["content-encoding"]?.lowercased() ?? "identity"
    switch head.status {
    case 200:
      // Content that was stored as it is, and is only said to be encoded, has its right length.
      if encoding != "identity", head.contentLength != size { return reencoded(encoding) }
      if let length = head.contentLength, length != size {
        return .refused(.integrity, "the server has \(length) bytes, the manifest says \(size)")
      }
      return .content(offset: 0, isWhole: true)
    case 206:
      guard let field = head.fields["content-range"], let range = ContentRange(field) else {
        return .refused(.rangeRefused, "a part came without a readable Content-Range")
      }
      if let total = range.size, total != size {
        return .refused(.integrity, "the server has \(total) bytes, the manifest says \(size)")
      }
      // A server that sends another range than it was asked for may be wrong about which it is, too.
      guard let wanted, range.range.lowerBound == wanted.lowerBound else {
        return .refused(.rangeRefused, "another range came than was asked for")
      }
      let count = Int64(range.range.count)
      if encoding != "identity", head.contentLength != count { return reencoded(encoding) }
      if let length = head.contentLength, length != count {
        return .refused(
          .protocolError(transient: true), "\(length) bytes came for a range of \(count)")
      }
      return .content(offset: range.range.lowerBound, isWhole: false)
    default:
      return .aside
    }
  }

  private static func reencoded(_ encoding: String) -> BlobJudge {
    .refused(
      .protocolError(transient: true),
      "the blob was re-encoded (\(encoding.shownSafely(limit: 20))) on its way")
  }

  static func == (left: BlobJudge, right: BlobJudge) -> Bool {
    switch (left, right) {
    case (.content(let a, let b), .content(let c, let d)): a == c && b == d
    case (.aside, .aside): true
    case (.refused(let a, let b), .refused(let c, let d)): a == c && b == d
    default: false
    }
  }
}
