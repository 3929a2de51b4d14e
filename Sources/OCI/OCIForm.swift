public import FoundationEssentials

/// Docker's schema 2 documents in OCI's terms.
///
/// An OCI image layout names OCI manifests only, and its readers skip entries with Docker's media
/// types. The two formats differ in media types alone, so a translation loses nothing but the digest.
extension MediaType {
  /// The OCI type of the same content; other types are returned as they are.
  public var ociForm: MediaType {
    switch self {
    case .dockerList: return .ociIndex
    case .dockerManifest: return .ociManifest
    case .dockerConfig: return .ociConfig
    default: break
    }
    let layer = "application/vnd.docker.image.rootfs."
    guard rawValue.hasPrefix(layer) else { return self }
    let kind = rawValue.dropFirst(layer.count)
    let base =
      kind.hasPrefix("foreign")
      ? "application/vnd.oci.image.layer.nondistributable.v1.tar"
      : "application/vnd.oci.image.layer.v1.tar"
    if kind.hasSuffix(".gzip") { return MediaType(rawValue: base + "+gzip") }
    if kind.hasSuffix(".zstd") { return MediaType(rawValue: base + "+zstd") }
    return MediaType(rawValue: base)
  }
}

extension Manifest {
  private struct Document: Encodable {
    let schemaVersion = 2
    let mediaType: MediaType
    let artifactType: String?
    let config: Descriptor
    let layers: [Descriptor]
  }

  /// This Docker manifest as an OCI manifest; nil where it is one already.
  public var ociForm: Data? {
    guard mediaType == .dockerManifest else { return nil }
    func translated(_ descriptor: Descriptor) -> Descriptor {
      var copy = descriptor
      copy.mediaType = descriptor.mediaType.ociForm
      return copy
    }
    return try? StableJSON.encode(
      Document(
        mediaType: .ociManifest, artifactType: artifactType, config: translated(config),
        layers: layers.map(translated)))
  }
}

extension Index {
  private struct Document: Encodable {
    let schemaVersion = 2
    let mediaType: MediaType
    let manifests: [Descriptor]
  }

  /// An index as an OCI index.
  ///
  /// - Parameter translated: for manifests that have an OCI form, what takes their place.
  /// - Returns: nil where nothing changes.
  public func ociForm(_ translated: [Digest: Descriptor]) -> Data? {
    let changes = manifests.contains { translated[$0.digest] != nil }
    guard mediaType == .dockerList || changes else { return nil }
    let entries = manifests.map { entry in
      guard let other = translated[entry.digest] else { return entry }
      var copy = entry
      copy.mediaType = other.mediaType
      copy.digest = other.digest
      copy.size = other.size
      return copy
    }
    return try? StableJSON.encode(Document(mediaType: .ociIndex, manifests: entries))
  }
}
