import FoundationEssentials
import OCI
import Store

/// What of an image the store has, and what it takes without asking anybody.
struct BlobStock {
  /// Where blobs are.
  let store: ContentStore
  /// Told what a person should know.
  let warn: @Sendable (String) -> Void

  /// The blobs that the store has not, or no longer as they were.
  func missing(of blobs: [LabelledBlob]) throws(PullError) -> [LabelledBlob] {
    var missing: [LabelledBlob] = []
    for blob in blobs {
      let (isThere, isRight) = try PullError.disk { () throws(StoreError) in
        (store.contains(blob.descriptor), try store.holds(blob.descriptor))
      }
      if isRight { continue }
      missing.append(blob)
      if isThere {
        let digest = blob.descriptor.digest.short
        warn("\(digest) was changed in the store since it was fetched: it is fetched again")
      }
    }
    return missing
  }

  /// Puts blobs that the manifest carries itself, and what everybody knows, into the store; true where there
  /// were any.
  func storeInlineData(of blobs: [LabelledBlob]) throws(PullError) -> Bool {
    var isAny = false
    for blob in blobs.map(\.descriptor) {
      guard let data = blob.contentAtHand, Int64(data.count) == blob.size,
        (try? Digest.of(data, blob.digest.algorithm)) == blob.digest
      else { continue }
      try PullError.disk { () throws(StoreError) in try store.put(data, as: blob.digest) }
      isAny = true
    }
    return isAny
  }
}
