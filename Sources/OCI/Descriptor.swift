package import FoundationEssentials

/// A typed pointer to content: what it is, its digest and its size.
package struct Descriptor: Hashable, Sendable, Codable {
  /// What the content is.
  package var mediaType: MediaType
  /// The content's digest, checked.
  package var digest: Digest
  /// The content's size in bytes, never negative.
  package var size: Int64
  /// False where the document gives none, or an index one that cannot be: `size` is 0 until it is learnt.
  package var hasSize = true
  /// Other places that serve the content; fetched without credentials.
  package var urls: [String]?
  /// Free-form notes of the image's author.
  package var annotations: [String: String]?
  /// The content itself, for small content; used only when it matches `digest`.
  package var data: Data?
  /// In an index: what the manifest is for.
  package var platform: Platform?
  /// In an index: the type of artifact that the manifest describes.
  package var artifactType: String?

  enum CodingKeys: String, CodingKey {
    case mediaType, digest, size, urls, annotations, data, platform, artifactType
  }

  /// Makes a descriptor from its required parts.
  package init(mediaType: MediaType, digest: Digest, size: Int64) {
    self.mediaType = mediaType
    self.digest = digest
    self.size = size
  }

  /// Decodes and checks a descriptor.
  ///
  /// Strict about what every reader needs, the digest, and a size where there is one; whatever else
  /// cannot be read counts as not there.
  ///
  /// - Throws: `DecodingError`, or `OCIError` for a digest or size that cannot be.
  package init(from decoder: any Decoder) throws {
    try self.init(from: decoder, anySize: false)
  }

  /// - Parameter anySize: whether a size that no document can have counts as not there.
  init(from decoder: any Decoder, anySize: Bool) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    mediaType = values.readable(MediaType.self, .mediaType) ?? MediaType(rawValue: "")
    digest = try values.decode(Digest.self, forKey: .digest)
    let said =
      anySize
      ? values.readable(Int64.self, .size) : try values.decodeIfPresent(Int64.self, forKey: .size)
    guard anySize || said ?? 0 >= 0 else {
      throw OCIError.invalidDocument(reason: "the size of \(digest.short) is negative")
    }
    size = max(0, said ?? 0)
    hasSize = said.map { anySize ? $0 > 0 : $0 >= 0 } ?? false
    urls = values.readableStrings(.urls)
    annotations = values.readableNotes(.annotations)
    // A data field that is no base64 is as useless as a wrong one: the content is fetched instead.
    data = values.readable(Data.self, .data)
    platform = values.readable(Platform.self, .platform)
    artifactType = values.readable(String.self, .artifactType)
  }

  /// The layer's file name for people (`org.opencontainers.image.title`), if it has one.
  package var title: String? { annotations?["org.opencontainers.image.title"] }

  /// True for attestations and the like that BuildKit keeps in an index beside the images, and says so.
  package var isAttestation: Bool {
    annotations?["vnd.docker.reference.type"].map { !$0.isEmpty } ?? false
  }

  /// True where an index says that it is not known what a manifest is for, as BuildKit does of its
  /// attestations.
  package var isOfUnknownPlatform: Bool {
    platform?.isUnknown ?? false
  }

  /// True for what may be an attestation: nobody misses it.
  package var mayBeAttestation: Bool { isAttestation || isOfUnknownPlatform }

  /// True where an index says that a manifest is an artifact's and not an image's: a list of materials, a
  /// signature, a chart.
  package var isArtifact: Bool { MediaType.isArtifact(artifactType) }
}
