public import FoundationEssentials

/// A typed pointer to content: what it is, its digest and its size.
public struct Descriptor: Hashable, Sendable, Codable {
  /// What the content is.
  public var mediaType: MediaType
  /// The content's digest, checked.
  public var digest: Digest
  /// The content's size in bytes, never negative.
  public var size: Int64
  /// False where the document gives none, or an index one that cannot be: `size` is 0 until it is learnt.
  public var hasSize = true
  /// Other places that serve the content; fetched without credentials.
  public var urls: [String]?
  /// Free-form notes of the image's author.
  public var annotations: [String: String]?
  /// The content itself, for small content; used only when it matches `digest`.
  public var data: Data?
  /// In an index: what the manifest is for.
  public var platform: Platform?
  /// In an index: the type of artifact that the manifest describes.
  public var artifactType: String?

  enum CodingKeys: String, CodingKey {
    case mediaType, digest, size, urls, annotations, data, platform, artifactType
  }

  /// Makes a descriptor from its required parts.
  public init(mediaType: MediaType, digest: Digest, size: Int64) {
    self.mediaType = mediaType
    self.digest = digest
    self.size = size
  }

  /// Decodes and checks a descriptor.
  ///
  /// Strict about what every reader needs, the digest, and a size where there is one; whatever else cannot be read
  /// counts as not there.
  ///
  /// - Throws: `DecodingError`, or `OCIError` for a digest or size that cannot be.
  public init(from decoder: any Decoder) throws {
    try self.init(from: decoder, anySize: false)
  }

  /// - Parameter anySize: whether a size that cannot be counts as not there.
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
    hasSize = said ?? -1 >= 0
    urls = values.readableStrings(.urls)
    annotations = values.readableNotes(.annotations)
    // A data field that is no base64 is as useless as a wrong one: the content is fetched instead.
    data = values.readable(Data.self, .data)
    platform = values.readable(Platform.self, .platform)
    artifactType = values.readable(String.self, .artifactType)
  }

  /// The layer's file name for people (`org.opencontainers.image.title`), if it has one.
  public var title: String? { annotations?["org.opencontainers.image.title"] }

  /// True for attestations and the like that BuildKit keeps in an index beside the images, and says so.
  public var isAttestation: Bool {
    annotations?["vnd.docker.reference.type"].map { !$0.isEmpty } ?? false
  }

  /// True where an index says that it is not known what a manifest is for, as BuildKit does of its attestations.
  public var isOfUnknownPlatform: Bool {
    platform.map { $0.os == "unknown" || $0.architecture == "unknown" } ?? false
  }

  /// True for what may be an attestation: nobody misses it.
  public var mayBeAttestation: Bool { isAttestation || isOfUnknownPlatform }

  /// True where an index says that a manifest is an artifact's and not an image's: a list of materials, a
  /// signature, a chart.
  public var isArtifact: Bool { MediaType.isArtifact(artifactType) }
}
