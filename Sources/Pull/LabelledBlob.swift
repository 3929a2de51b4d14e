import OCI

/// A blob of an image, and what it is to people.
struct LabelledBlob: Sendable {
  let descriptor: Descriptor
  /// `config`, or the layer's place in the image from 1.
  let label: String
  /// Whether it is the image's configuration.
  let isConfiguration: Bool

  var digest: Digest { descriptor.digest }
  var size: Int64 { descriptor.size }

  /// The order in which blobs are begun: the configuration first, then large before small, so that
  /// the last ones are short.
  static func inOrderOfFetching(_ blobs: [LabelledBlob]) -> [LabelledBlob] {
    blobs.enumerated().sorted { left, right in
      let (a, b) = (left.element, right.element)
      if a.isConfiguration != b.isConfiguration { return a.isConfiguration }
      return a.size == b.size ? left.offset < right.offset : a.size > b.size
    }.map(\.element)
  }
}
