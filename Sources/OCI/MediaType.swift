/// A media type as it stands in a descriptor, with the ones that Cairn must tell apart.
package struct MediaType: Hashable, Sendable, Codable, RawRepresentable, CustomStringConvertible {
  /// The type without parameters, for example `application/vnd.oci.image.index.v1+json`.
  package let rawValue: String

  /// Takes a media type; parameters after `;` are dropped and letters lowered.
  ///
  /// - Parameter rawValue: for example the value of a `Content-Type` field.
  package init(rawValue: String) {
    let bare = String(rawValue.unicodeScalars.prefix { $0 != ";" })
    self.rawValue = bare.filter { !$0.isWhitespace }.lowercased()
  }

  /// OCI image index.
  package static let ociIndex = MediaType(rawValue: "application/vnd.oci.image.index.v1+json")
  /// OCI image manifest.
  package static let ociManifest = MediaType(rawValue: "application/vnd.oci.image.manifest.v1+json")
  /// OCI image configuration.
  package static let ociConfig = MediaType(rawValue: "application/vnd.oci.image.config.v1+json")
  /// Docker's manifest list, the elder of the OCI index.
  package static let dockerList = MediaType(
    rawValue: "application/vnd.docker.distribution.manifest.list.v2+json")
  /// Docker's schema 2 manifest, the elder of the OCI manifest.
  package static let dockerManifest = MediaType(
    rawValue: "application/vnd.docker.distribution.manifest.v2+json")
  /// Docker's image configuration.
  package static let dockerConfig = MediaType(
    rawValue: "application/vnd.docker.container.image.v1+json")
  /// Docker's schema 1 manifest, refused.
  package static let dockerSchema1 = MediaType(
    rawValue: "application/vnd.docker.distribution.manifest.v1+json")
  /// Docker's signed schema 1 manifest, refused.
  package static let dockerSchema1Signed = MediaType(
    rawValue: "application/vnd.docker.distribution.manifest.v1+prettyjws")

  /// What a manifest request accepts, best first.
  package static let acceptedManifests = [ociIndex, ociManifest, dockerList, dockerManifest]

  /// True for an OCI index or a Docker manifest list.
  package var isIndex: Bool { self == .ociIndex || self == .dockerList }
  /// True for an OCI or Docker schema 2 manifest.
  package var isManifest: Bool { self == .ociManifest || self == .dockerManifest }
  /// True for either of Docker's schema 1 types.
  package var isSchema1: Bool { self == .dockerSchema1 || self == .dockerSchema1Signed }
  /// True for the artifact manifests that drafts of OCI 1.1 had, and ORAS before them.
  package var isOfDraftArtifact: Bool {
    rawValue == "application/vnd.oci.artifact.manifest.v1+json"
      || rawValue == "application/vnd.cncf.oras.artifact.manifest.v1+json"
  }
  /// True for a runnable image's configuration, as opposed to an artifact's.
  package var isImageConfig: Bool { self == .ociConfig || self == .dockerConfig }

  /// True where the type says nothing of a document: none, or one that servers give to any file.
  package var isUnspecific: Bool { Self.unspecific.contains(rawValue) }
  private static let unspecific: Set<String> = [
    "", "application/json", "application/octet-stream", "application/x-json", "binary/octet-stream",
    "text/json", "text/plain",
  ]
  /// True where an index's entry of this type may be an index or a manifest that Cairn reads.
  package var canBeDocument: Bool { isIndex || isManifest || isUnspecific }
  /// True for a type that somebody named for one kind of content (`application/vnd.…`).
  ///
  /// Of a configuration or a layer, every other type says nothing: images of 2015 to 2017 have what the
  /// server said of their files (moby#48361, moby#30083).
  package var isVendors: Bool { name.hasPrefix("vnd.") }

  /// True for what Docker and OCI call or called parts of images: before version 1.0 of either a
  /// configuration had many names, and some tools cut today's short.
  package var isOfImages: Bool {
    ["vnd.oci.image.", "vnd.docker.image.", "vnd.docker.container.image."].contains {
      "\(name).".hasPrefix($0)
    }
  }

  /// True for a layer's type, and for those that servers and packers give to such files.
  var mayBeLayer: Bool {
    if isOfImages || isUnspecific || self == MediaType(rawValue: "text/html") { return true }
    return !isVendors && ["tar", "zip", "zstd"].contains { rawValue.contains($0) }
  }

  /// True for what is encrypted: nobody but an owner of its keys unpacks it.
  ///
  /// - Source: github.com/containers/ocicrypt.
  package var isEncrypted: Bool { rawValue.hasSuffix("+encrypted") }

  /// False for what no `docker load` unpacks as a layer: what is encrypted, and documents in a layer's place.
  package var isLoadable: Bool { !isEncrypted && (mayBeLayer || rawValue.contains("tar")) }

  private var name: Substring { rawValue.split(separator: "/").last ?? "" }

  /// Whether an `artifactType` is one: an image may have its configuration's type there.
  static func isArtifact(_ type: String?) -> Bool {
    guard let type, !type.isEmpty else { return false }
    return !MediaType(rawValue: type).isOfImages
  }

  /// The raw value.
  package var description: String { rawValue }

  /// Decodes from a string.
  package init(from decoder: any Decoder) throws {
    self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
  }

  /// Encodes as a string.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}
