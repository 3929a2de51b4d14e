/// Undoes the `Content-Encoding` of a small document, which some servers and proxies apply unasked.
///
/// No request of ours asks for one, so nothing of a blob is ever decoded; but a manifest or a token
/// that arrives compressed is still the document. What a field claims is no more than a hint: bytes
/// that are plainly not compressed are taken as they are, and whoever asked judges the content by
/// its digest or its meaning.
package enum ContentDecoding {
  /// Codings that one answer may have on top of each other; nobody has more than one for a good reason.
  private static let mostLayers = 3

  /// Whether bytes begin as gzip does (RFC 1952, section 2.3.1).
  package static func isGzip(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.starts(with: [0x1F, 0x8B])
  }

  /// Decodes a body.
  ///
  /// - Parameters:
  ///   - body: as it came.
  ///   - encoding: the value of `Content-Encoding`: codings in the order in which they were applied.
  ///   - limit: the most bytes that the decoded body may have.
  /// - Returns: the document.
  /// - Throws: `TransferError` of kind `badResponse`: a coding that is not known, damaged bytes, or
  ///   more than the limit.
  /// - Source: RFC 9110, section 8.4; `aws-chunked` is left over from an upload to S3 and says
  ///   nothing of the bytes.
  package static func decode(_ body: [UInt8], encoding: String, limit: Int) throws(TransferError)
    -> [UInt8]
  {
    let codings = codings(encoding)
    guard codings.count <= mostLayers else {
      throw TransferError(.badResponse, "the response is encoded \(codings.count) times over")
    }
    var decoded = body
    for coding in codings.reversed() {
      switch coding {
      case "gzip", "x-gzip": decoded = try gunzipped(decoded, limit: limit)
      case "deflate": decoded = try undeflated(decoded, limit: limit)
      // A proxy that decoded it may have left the field standing, or a server writes what is no coding there.
      case _ where decoded.first.map(isPlain) ?? true: break
      default:
        let name = String(coding.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(20))
        throw TransferError(
          .badResponse, "the response has the encoding \"\(name)\", which was not asked for")
      }
    }
    guard decoded.count <= limit else { throw tooLarge(limit) }
    return decoded
  }

  /// What can be read of a body that may be encoded, cut or damaged; as it came where it is not.
  ///
  /// - Parameters:
  ///   - body: as it came, as far as it came.
  ///   - encoding: the value of `Content-Encoding`; nil: none.
  ///   - limit: the most bytes that are decoded.
  package static func beginning(_ body: [UInt8], encoding: String?, limit: Int) -> [UInt8] {
    let said = encoding.flatMap { BodyCoding($0) }
    guard let coding = isGzip(body) ? .gzip : said == .deflate ? said : nil else { return body }
    let inflater = Inflater(coding, limit: Int64(limit))
    var content: [UInt8] = []
    // What came before the damage counts.
    try? body.withUnsafeBufferPointer { (body) throws(TransferError) in
      try inflater.take(UnsafeRawBufferPointer(body)) {
        content += $0.prefix(limit - content.count)
        return content.count < limit
      }
    }
    return content.isEmpty ? body : content
  }

  /// The names in a `Content-Encoding` that say something, in the order in which they were applied.
  static func codings(_ field: String) -> [String] {
    field.split(separator: ",").map { $0.trimmed.lowercased() }
      .filter { !["", "identity", "none", "aws-chunked"].contains($0) }
  }

  /// Undoes gzip; several members one behind the other are one content.
  private static func gunzipped(_ body: [UInt8], limit: Int) throws(TransferError) -> [UInt8] {
    // A proxy that decoded it may have left the field standing.
    guard isGzip(body) else { return body }
    return try inflated(body, .gzip, limit: limit)
  }

  /// Undoes deflate, unless it is a document as it is.
  private static func undeflated(_ body: [UInt8], limit: Int) throws(TransferError) -> [UInt8] {
    guard let first = body.first else { return [] }
    do throws(TransferError) {
      return try inflated(body, .deflate, limit: limit)
    } catch {
      guard isPlain(first) else { throw error }
      return body
    }
  }

  /// Undoes one coding of a whole body.
  private static func inflated(_ body: [UInt8], _ coding: BodyCoding, limit: Int)
    throws(TransferError) -> [UInt8]
  {
    let inflater = Inflater(coding, limit: Int64(limit))
    var content: [UInt8] = []
    try body.withUnsafeBufferPointer { (body) throws(TransferError) in
      try inflater.take(UnsafeRawBufferPointer(body)) {
        content += $0
        return true
      }
    }
    guard inflater.isWhole else { throw Inflater.damaged }
    return content
  }

  /// Whether a document that begins like this is one without any coding: JSON begins with a brace,
  /// a bracket or white space.
  private static func isPlain(_ byte: UInt8) -> Bool {
    [0x7B, 0x5B, 0x20, 0x09, 0x0A, 0x0D].contains(byte)
  }

  private static func tooLarge(_ limit: Int) -> TransferError {
    TransferError(.badResponse, "the decoded response is larger than \(limit) bytes")
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}

extension TransferResponse {
  /// The most bytes of words that are decoded.
  private static let wordLimit = 64 << 10

  /// The body of an answer whose words count, and not its bytes, as far as it can be read: servers that
  /// encode what nobody asked them to encode do so with their refusals, too.
  package var words: [UInt8] {
    ContentDecoding.beginning(
      body, encoding: head.fields["content-encoding"], limit: Self.wordLimit)
  }

  /// The body without what `Content-Encoding` says was done to it.
  ///
  /// - Parameter limit: the most bytes that it may have.
  /// - Throws: `TransferError` of kind `badResponse`.
  package func decodedBody(limit: Int) throws(TransferError) -> [UInt8] {
    guard let encoding = head.fields["content-encoding"] else { return body }
    return try ContentDecoding.decode(body, encoding: encoding, limit: limit)
  }
}
