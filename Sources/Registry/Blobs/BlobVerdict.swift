import OCI
import Transfer

/// What the head of an answer to a blob request means.
enum BlobVerdict: Equatable {
  /// The body is content that begins at this offset of the blob; `isWhole` where all of it comes.
  case content(offset: Int64, isWhole: Bool)
  /// The same, encoded though nobody asked for it: so many bytes come out.
  case encoded(BodyCoding, offset: Int64, length: Int64, isWhole: Bool)
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
  ///   - isSuspect: whether what came of it before was wrong.
  static func judge(
    _ head: ResponseHead, wanted: Range<Int64>?, size: Int64, isSuspect: Bool = false
  ) -> BlobVerdict {
    switch head.status {
    case 200, 203, 206, 226:
      if let wanted, let part = part(head, wanted: wanted) {
        return judge(part, head, wanted: wanted, size: size)
      }
      guard head.status != 206 else { return unreadable(head, wanted: wanted, size: size) }
      // Some call everything a page. Where it might be the blob by its length, the second look is
      // at its content.
      if head.contentLength != size, PageRule.isPage(head),
        head.contentLength != nil || !isSuspect
      {
        return .refused(.integrity, "a web page (HTML) came")
      }
      // Content that was stored as it is, and is only said to be encoded, has its right length, or
      // none is given; the digest decides.
      if let encoding = head.encoding, head.contentLength.map({ $0 != size }) ?? isSuspect {
        return reencoded(encoding, offset: 0, length: size, isWhole: true)
      }
      if let length = head.contentLength, length != size {
        return .refused(.integrity, "the server has \(length) bytes, the manifest says \(size)")
      }
      return .content(offset: 0, isWhole: true)
    default:
      return .aside
    }
  }

  /// Which part of a blob an answer says it has; some servers send exactly the range and call it 200.
  ///
  /// - Parameters:
  ///   - head: status and fields.
  ///   - wanted: the range that was asked for.
  static func part(_ head: ResponseHead, wanted: Range<Int64>) -> ContentRange? {
    let part = part(head)
    return head.status == 206 || part?.range.lowerBound == wanted.lowerBound ? part : nil
  }

  private static func part(_ head: ResponseHead) -> ContentRange? {
    head.fields["content-range"].flatMap { ContentRange($0) }
  }

  /// A 206 of which it is not known which part it is, or to a request for everything.
  private static func unreadable(_ head: ResponseHead, wanted: Range<Int64>?, size: Int64)
    -> BlobVerdict
  {
    // To who asked for everything, all of it by its length is all of it; the digest decides.
    if wanted == nil, part(head).map({ $0.range == 0..<size }) ?? (head.contentLength == size) {
      return .content(offset: 0, isWhole: true)
    }
    return .refused(
      .rangeRefused,
      wanted == nil ? "a part came, not all" : "a part came without a readable Content-Range")
  }

  private static func judge(
    _ part: ContentRange, _ head: ResponseHead, wanted: Range<Int64>, size: Int64
  ) -> BlobVerdict {
    if let total = part.size, total != size {
      return .refused(.integrity, "the server has \(total) bytes, the manifest says \(size)")
    }
    // A server that sends another range than it was asked for may be wrong about which it is, too.
    guard part.range.lowerBound == wanted.lowerBound else {
      return .refused(.rangeRefused, "another range came than was asked for")
    }
    let count = Int64(part.range.count)
    if let length = head.contentLength, length != count {
      if let encoding = head.encoding {
        return reencoded(
          encoding, offset: part.range.lowerBound, length: count, isWhole: false)
      }
      // An answer that contradicts itself: the whole blob may come better.
      return .refused(.rangeRefused, "\(length) bytes came for a range of \(count)")
    }
    return .content(offset: part.range.lowerBound, isWhole: false)
  }

  /// What another length than the blob's means that is said to be encoded.
  private static func reencoded(
    _ encoding: String, offset: Int64, length: Int64, isWhole: Bool
  ) -> BlobVerdict {
    if let coding = BodyCoding(encoding) {
      return .encoded(coding, offset: offset, length: length, isWhole: isWhole)
    }
    return .refused(
      .protocolError(transient: true),
      "the blob was re-encoded (\(encoding.shownSafely(limit: 20))) on its way")
  }
}
