package import FoundationEssentials
import Text

/// An image manifest: one configuration and its layers.
package struct Manifest: Sendable, Equatable {
  /// The manifest's own media type.
  package let mediaType: MediaType
  /// The configuration blob.
  package let config: Descriptor
  /// The layers, base first.
  package let layers: [Descriptor]
  /// What kind of artifact this is, where it is not an image.
  package let artifactType: String?

  /// Configuration and layers, each digest once, in the order of the manifest.
  package var blobs: [Descriptor] {
    var seen = Set<Digest>()
    return ([config] + layers).filter { seen.insert($0.digest).inserted }
  }

  /// Whether this is an image's manifest, as opposed to an artifact's; nil where only the
  /// configuration can tell.
  package var isImage: Bool? {
    if MediaType.isArtifact(artifactType) { return false }
    if config.mediaType.isImageConfig { return true }
    return config.mediaType.isVendors && !config.mediaType.isOfImages ? false : nil
  }

  /// Whether this is an image's manifest, by its configuration where that has to tell.
  ///
  /// - Parameter configuration: what was read of it; nil: nothing.
  package func isImage(_ configuration: ImageConfig?) -> Bool {
    isImage ?? configuration?.isImage ?? false
  }

  /// False where every layer has a type that somebody gave to something else: signatures and lists
  /// of materials may have an image's configuration.
  package var mayHaveLayers: Bool { layers.isEmpty || layers.contains { $0.mediaType.mayBeLayer } }

  /// What kind of artifact this is, where it is one: what it says, else its configuration's type.
  package var typeOfArtifact: String { artifactType ?? config.mediaType.rawValue }

  /// Sum of the sizes of `blobs`, in bytes; nil when it is more than `ImageDocument.sizeLimit`.
  package var totalSize: Int64? {
    let total = blobs.map(\.size).clampedSum
    return total <= ImageDocument.sizeLimit ? total : nil
  }
}

extension Manifest {
  /// Blobs whose size the manifest does not give, each once.
  package var unsized: [Descriptor] {
    var seen = Set<Digest>()
    return ([config] + layers).filter { !$0.hasSize && seen.insert($0.digest).inserted }
  }

  /// The manifest with sizes that were learnt elsewhere.
  ///
  /// - Parameter sizes: in bytes, of those that it does not give.
  package func sized(_ sizes: [Digest: Int64]) -> Manifest {
    func sized(_ blob: Descriptor) -> Descriptor {
      guard !blob.hasSize, let size = sizes[blob.digest] else { return blob }
      var blob = blob
      blob.size = max(0, size)
      blob.hasSize = true
      return blob
    }
    return Manifest(
      mediaType: mediaType, config: sized(config), layers: layers.map(sized),
      artifactType: artifactType)
  }
}

/// What a manifest request can bring: an image's manifest or an index.
package enum ImageDocument: Sendable, Equatable {
  case manifest(Manifest)
  case index(Index)

  /// The most layers or manifests that a document may list.
  package static let entryLimit = 20_000

  /// The most bytes that all blobs of an image may have: what a server sends beyond a blob's end
  /// still has a place that fits 64 bits.
  package static let sizeLimit = Int64.max - (1 << 40)

  /// The document's media type.
  package var mediaType: MediaType {
    switch self {
    case .manifest(let manifest): manifest.mediaType
    case .index(let index): index.mediaType
    }
  }

  /// Parses and checks a manifest or an index.
  ///
  /// - Parameters:
  ///   - data: the document as it was served.
  ///   - contentType: the `Content-Type` it came with, or its descriptor's type; nil when unknown.
  /// - Throws: `OCIError.invalidDocument` for what is malformed or ambiguous (a document with both
  ///   `manifests` and `layers` is refused, CVE-2021-41190, and one with a member twice);
  ///   `OCIError.schema1` for schema 1.
  package static func parse(_ data: Data, contentType: MediaType?) throws(OCIError) -> ImageDocument
  {
    let raw: RawDocument
    do {
      try checkStructure(data)
      raw = try OutsideJSON.decode(RawDocument.self, from: data)
    } catch let error as OCIError {
      throw contentType?.isSchema1 == true ? .schema1 : error
    } catch {
      if contentType?.isSchema1 == true { throw .schema1 }
      throw .invalidDocument(reason: Self.describe(error))
    }
    // The content decides: what says that it is of version 2 is, whatever it is called.
    if raw.isSchema1 || contentType?.isSchema1 == true && !raw.isOfVersion2 { throw .schema1 }
    if [raw.mediaType, contentType].contains(where: { $0?.isOfDraftArtifact ?? false }) {
      throw .invalidDocument(
        reason:
          "it is an artifact manifest of a draft of OCI 1.1, which has none; push it again with a current tool"
      )
    }
    guard raw.isOfVersion2 else {
      throw .invalidDocument(
        reason: raw.version == nil
          ? "it has no schemaVersion, no config and no manifests" : "schemaVersion is not 2")
    }
    let mediaType = try decideMediaType(raw, contentType: contentType)
    if mediaType.isIndex { return .index(try index(raw, mediaType)) }
    return .manifest(try manifest(raw, mediaType))
  }

  /// What all readers must see alike: UTF-8, and each member once.
  private static func checkStructure(_ data: Data) throws(OCIError) {
    if let limit = JSONValues.limitExceeded(by: data) {
      throw .invalidDocument(reason: "it has more than \(limit) values")
    }
    guard let tree = JSONTree(data) else {
      // Foundation reads UTF-16 and UTF-32, and passes over a mark; readers in Go do not.
      let isOther = data.prefix(4).contains { [0, 0xEF, 0xFE, 0xFF].contains($0) }
      throw .invalidDocument(
        reason: isOther ? "it is not JSON in UTF-8 without a byte order mark" : "it is not JSON")
    }
    try DocumentStructure.check(tree)
  }

  /// The type of the kind that the content has; where a type that came with it names the other kind, two
  /// readers could see two things in the document, and it is refused.
  ///
  /// Kinds are compared, not flavours: a list of Docker's type with OCI's in it is a list (harbor#15837).
  private static func decideMediaType(_ raw: RawDocument, contentType: MediaType?)
    throws(OCIError) -> MediaType
  {
    let own = raw.mediaType.flatMap { $0.isUnspecific ? nil : $0 }
    if let own, !own.isIndex, !own.isManifest {
      throw .invalidDocument(
        reason: "media type \(own.rawValue.shownSafely(limit: 100)) is none of a manifest")
    }
    let served = contentType.flatMap { $0.isIndex || $0.isManifest ? $0 : nil }
    if let own, let served, own.isIndex != served.isIndex {
      throw .invalidDocument(
        reason: "its mediaType \(own) contradicts its Content-Type \(served)")
    }
    return own ?? served ?? (raw.manifests != nil ? .ociIndex : .ociManifest)
  }

  private static func index(_ raw: RawDocument, _ mediaType: MediaType) throws(OCIError) -> Index {
    let others = [
      ("layers", raw.layers != nil), ("config", raw.config != nil), ("fsLayers", raw.hasFSLayers),
    ]
    if let other = others.first(where: \.1)?.0 {
      throw contradiction(raw.manifests == nil ? nil : "manifests", other, mediaType)
    }
    guard let manifests = raw.manifests else {
      throw .invalidDocument(reason: "the index has no manifests")
    }
    guard manifests.count <= entryLimit else {
      throw .invalidDocument(reason: "it lists more than \(entryLimit) manifests")
    }
    return Index(mediaType: mediaType, entries: manifests.map { $0.value?.descriptor })
  }

  private static func manifest(_ raw: RawDocument, _ mediaType: MediaType) throws(OCIError)
    -> Manifest
  {
    let own = raw.config != nil ? "config" : raw.layers != nil ? "layers" : nil
    if raw.manifests != nil { throw contradiction(own, "manifests", mediaType) }
    if raw.hasFSLayers { throw contradiction(own, "fsLayers", mediaType) }
    guard let config = raw.config else {
      throw .invalidDocument(reason: "the manifest has no config")
    }
    let layers = raw.layers ?? []
    guard layers.count <= entryLimit else {
      throw .invalidDocument(reason: "it lists more than \(entryLimit) layers")
    }
    var sizes = config.hasSize ? [config.digest: config.size] : [:]
    for layer in layers where layer.hasSize {
      if let known = sizes.updateValue(layer.size, forKey: layer.digest), known != layer.size {
        throw .invalidDocument(reason: "it gives \(layer.digest.short) two sizes")
      }
    }
    let manifest = Manifest(
      mediaType: mediaType, config: config, layers: layers, artifactType: raw.artifactType)
    guard manifest.totalSize != nil else {
      throw .invalidDocument(reason: "the sizes of its layers do not fit 64 bits")
    }
    return manifest
  }

  /// Two readers could see two things in the document (CVE-2021-41190).
  ///
  /// - Parameters:
  ///   - own: a member that it has and that fits its type; nil where there is none.
  ///   - other: one that does not.
  private static func contradiction(_ own: String?, _ other: String, _ type: MediaType) -> OCIError
  {
    guard let own else {
      return .invalidDocument(reason: "it is called \(type), but has \"\(other)\"")
    }
    return .invalidDocument(reason: "it has both \"\(own)\" and \"\(other)\"")
  }

  private static func describe(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "it is not JSON" }
    let (context, what): (DecodingError.Context, String) =
      switch error {
      case .keyNotFound(let key, let context): (context, "\"\(key.stringValue)\" is missing")
      case .typeMismatch(_, let context): (context, "a value has the wrong type")
      case .valueNotFound(_, let context): (context, "a value is null")
      case .dataCorrupted(let context): (context, "a value cannot be read")
      @unknown default: (.init(codingPath: [], debugDescription: ""), "it cannot be read")
      }
    if let cause = context.underlyingError as? OCIError { return cause.description }
    let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
    if path.isEmpty, case .dataCorrupted = error {
      return "it is not JSON, or a number in it does not fit"
    }
    return path.isEmpty
      ? what : "\(what) at \(path.joined(separator: ".").shownSafely(limit: 100))"
  }
}
