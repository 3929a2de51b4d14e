import FoundationEssentials
import OCI

extension LabelledBlob {
  /// Every blob of some manifests once, in the order in which they name them.
  ///
  /// - Parameter reference: named where they contradict themselves.
  /// - Throws: `PullError.document`: two sizes of one blob, a size that its digest denies, or sizes
  ///   that are too large together.
  static func all(of manifests: [Manifest], _ reference: Reference) throws(PullError)
    -> [LabelledBlob]
  {
    var blobs: [LabelledBlob] = []
    var sizes: [Digest: Int64] = [:]
    for manifest in manifests {
      let labels = ["config"] + manifest.layers.indices.map { "layer \($0 + 1)" }
      for (blob, label) in zip([manifest.config] + manifest.layers, labels) {
        if let size = sizes[blob.digest] {
          guard size == blob.size else {
            throw .document(
              .invalidDocument(reason: "it gives \(blob.digest.short) two sizes"),
              what: reference.description)
          }
          continue
        }
        let isNothing = (try? Digest.of(Data(), blob.digest.algorithm)) == blob.digest
        guard isNothing == (blob.size == 0) else {
          // Whatever a server has, it cannot be right.
          throw .document(
            .invalidDocument(
              reason: blob.size == 0
                ? "it says that \(label) has 0 bytes, and \(blob.digest.short) is not the digest of nothing"
                : "it says that \(label) has \(blob.size) bytes, and \(blob.digest.short) is the digest of nothing"
            ), what: reference.description)
        }
        sizes[blob.digest] = blob.size
        blobs.append(
          LabelledBlob(descriptor: blob, label: label, isConfiguration: label == labels[0]))
      }
    }
    guard blobs.map(\.descriptor.size).clampedSum <= ImageDocument.sizeLimit else {
      throw .document(
        .invalidDocument(reason: "the sizes of its layers do not fit 64 bits"),
        what: reference.description)
    }
    return blobs
  }
}
