import FoundationEssentials
import Hashing
import OCI
import Transfer

/// A small blob that something on the way has encoded, though nobody asked for that.
///
/// What may be one is taken into memory; the digest decides whether its bytes are right as they
/// came, or without their encoding. Larger ones go to the disk: as they come, or without the
/// encoding where it is said that they have one and their length bears that out, or they came wrong
/// before.
struct EncodedBlob {
  /// The blob.
  let blob: Descriptor
  /// The bytes that are wanted; nil: all.
  let wanted: Range<Int64>?
  /// Whether what came of it before was wrong.
  let isSuspect: Bool
  /// Where it came from.
  let place: RemoteURL

  /// Whether an answer may be one.
  ///
  /// - Parameters:
  ///   - head: of the answer.
  ///   - judged: what it means where nothing is encoded.
  func mayBe(_ head: ResponseHead, judged: BlobVerdict) -> Bool {
    guard head.status == 200, blob.size > 0, blob.size <= Int64(RepositoryClient.documentLimit),
      wanted == nil || isSuspect,
      !PageRule.isPage(head) || isSuspect && head.contentLength == nil
    else { return false }
    if let length = head.contentLength, length > Int64(limit) { return false }
    switch judged {
    case .refused, .encoded: return head.contentLength != blob.size
    case .content:
      // With the right length it is right, or somebody else's mistake.
      return isSuspect || head.encoding != nil && head.contentLength == nil
    case .aside: return false
    }
  }

  /// The most bytes that it may have: packing makes nothing much larger.
  var limit: Int { Int(clamping: blob.size.addingClamped(blob.size / 500 + 128)) }

  /// The blob's bytes.
  ///
  /// - Parameter response: with its body.
  /// - Throws: `RegistryError` of kind `integrity` where they are not in it.
  func content(of response: TransferResponse) throws(RegistryError) -> [UInt8] {
    let right = Self.content(of: response, blob.digest, limit: Int(clamping: blob.size))
    if let right, Int64(right.count) == blob.size { return right }
    // Of the right length it goes where every blob goes, and its digest is found wrong there.
    if Int64(response.body.count) == blob.size { return response.body }
    let isPage = PageRule.isPage(response)
    throw RegistryError(
      .integrity,
      isPage ? PageRule.words(place) : reason(response.head.encoding, bytes: response.body.count))
  }

  /// That a blob is not what it should be, as it came and without its encoding.
  static let unlike =
    "the blob was re-encoded on its way, and is not what the manifest says without that either"

  /// The bytes that have a digest: as they came, or without their encoding; nil: neither has.
  ///
  /// - Parameters:
  ///   - response: with its body.
  ///   - digest: the blob's.
  ///   - limit: most bytes that it may have.
  static func content(
    of response: TransferResponse, _ digest: Digest, limit: Int
  ) -> [UInt8]? {
    func isRight(_ bytes: [UInt8]) -> Bool {
      (try? Digest.of(Data(bytes), digest.algorithm)) == digest
    }
    if isRight(response.body) { return response.body }
    for encoding in [response.head.encoding, "gzip"].compactMap(\.self) {
      let decoded = try? ContentDecoding.decode(response.body, encoding: encoding, limit: limit)
      if let decoded, isRight(decoded) { return decoded }
    }
    return nil
  }

  /// - Parameters:
  ///   - encoding: what the answer says of itself.
  ///   - bytes: how many came.
  private func reason(_ encoding: String?, bytes: Int) -> String {
    if let encoding {
      return
        "the blob was re-encoded (\(encoding.shownSafely(limit: 20))) on its way, and is not what the "
        + "manifest says without that either"
    }
    return "\(bytes) bytes came, the manifest says \(blob.size)"
  }
}

extension ResponseHead {
  /// What the body is said to be encoded with; nil where that is nothing.
  var encoding: String? {
    fields["content-encoding"].flatMap { ["", "identity"].contains($0.lowercased()) ? nil : $0 }
  }
}
