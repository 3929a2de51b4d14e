import OCI
import Support

/// The image that every animal has: two platforms, and layers from nothing to a few segments.
enum Okapi {
  static let layers = [
    Content.bytes(150_000, seed: 1), Content.bytes(70_000, seed: 2), Content.bytes(900, seed: 3),
  ]

  private static let digests = Set(layers.compactMap { try? Digest.of($0) })

  /// Whether a blob is a layer of the image.
  static func isLayer(_ digest: Digest) -> Bool { digests.contains(digest) }

  /// The name of the largest one.
  static let firstLayer = try? Digest.of(layers[0])

  static func image(_ animal: Animal) throws -> FakeImage {
    try FakeImage(
      layers: layers, platforms: ["linux/arm64", "linux/amd64"],
      types: animal.dialect.manifests.flavour == .oci
        ? (.ociManifest, .ociIndex) : (.dockerManifest, .dockerList))
  }
}
