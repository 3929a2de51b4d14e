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
    case 200, 203, 206:
      // Some servers send exactly the range and call it 200.
      let part = wanted == nil && head.status != 206 ? nil : part(head)
      if let wanted, let part, part.range.lowerBound == wanted.lowerBound || head.status == 206 {
        return judge(part, head, encoding, wanted: wanted, size: size)
      }
      guard head.status != 206 else { return unreadable(head, wanted: wanted, size: size) }
      if head.contentLength != size, isPage(head) {
        return .refused(
          .integrity, "a page came in place of the blob: something on the way may hold it back")
      }
      // Content that was stored as it is, and is only said to be encoded, has its right length, or none is given; the
      // digest decides.
      if let length = head.contentLength, length != size {
        if encoding != "identity" { return reencoded(encoding) }
        return .refused(.integrity, "the server has \(length) bytes, the manifest says \(size)")
      }
      return .content(offset: 0, isWhole: true)
    default:
      return .aside
    }
  }

  static func isPage(_ head: ResponseHead) -> Bool {
    head.fields["content-type"].map { MediaType(rawValue: $0).rawValue == "text/html" } ?? false
  }

  private static func part(_ head: ResponseHead) -> ContentRange? {
    head.fields["content-range"].flatMap { ContentRange($0) }
  }

  /// A 206 of which it is not known which part it is, or to a request for everything.
  private static func unreadable(_ head: ResponseHead, wanted: Range<Int64>?, size: Int64)
    -> BlobJudge
  {
    if wanted == nil, let part = part(head), part.range == 0..<size {
      return .content(offset: 0, isWhole: true)
    }
    return .refused(
      .rangeRefused,
      wanted == nil ? "a part came, not all" : "a part came without a readable Content-Range")
  }

  private static func judge(
    _ part: ContentRange, _ head: ResponseHead, _ encoding: String, wanted: Range<Int64>,
    size: Int64
  ) -> BlobJudge {
    if let total = part.size, total != size {
      return .refused(.integrity, "the server has \(total) bytes, the manifest says \(size)")
    }
    // A server that sends another range than it was asked for may be wrong about which it is, too.
    guard part.range.lowerBound == wanted.lowerBound else {
      return .refused(.rangeRefused, "another range came than was asked for")
    }
    let count = Int64(part.range.count)
    if let length = head.contentLength, length != count {
      if encoding != "identity" { return reencoded(encoding) }
      // An answer that contradicts itself: the whole blob may come better.
      return .refused(.rangeRefused, "\(length) bytes came for a range of \(count)")
    }
    return .content(offset: part.range.lowerBound, isWhole: false)
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
