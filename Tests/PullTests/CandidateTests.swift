import Foundation
import OCI
import Pull
import PullSupport
import Store
import Support
import Testing

/// Which of an index's entries is the image, where several could be, or none.
@Suite("Candidates", .timeLimit(.minutes(10)), .serialized)
struct CandidateTests {
  static let layer = Content.bytes(2_000, seed: 1)
  static var amd64: [String: Any] { ["platform": ["os": "linux", "architecture": "amd64"]] }
  static var nowhere: [String: Any] {
    ["platform": ["os": "unknown", "architecture": "unknown"]]
  }

  /// What tools sign with, and write lists of materials into: an image's configuration, and layers
  /// of their own type.
  static func layers(of type: String) -> @Sendable (inout [String: Any]) -> Void {
    { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      for index in layers.indices { layers[index]["mediaType"] = type }
      document["layers"] = layers
      document["annotations"] = ["of": type]
    }
  }

  static func bench(_ image: FakeImage, _ entries: [[String: Any]]) throws -> (
    Bench, FakeRegistry, LonePull
  ) {
    var image = image
    image.tags["latest"] = try image.addIndex(entries).digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    return (bench, registry, try bench.request("\(registry.host)/o/n"))
  }

  @Test(
    "what has an image's configuration, but no layer of one, is taken only where nothing else is",
    arguments: [
      "application/vnd.dev.cosign.simplesigning.v1+json", "application/vnd.in-toto+json",
      "text/spdx", "application/vnd.cyclonedx+json", "application/vnd.wasm.content.layer.v1+wasm",
    ], [true, false])
  func signatureFirst(type: String, namesPlatforms: Bool) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let wanted = image.manifest
    let odd = try OddIndexTests.add("linux/amd64", to: &image, edit: Self.layers(of: type))
    let more = namesPlatforms ? Self.amd64 : [:]
    let entries = [odd, wanted].map { OddIndexTests.entry($0, of: image, more) }
    let (bench, _, request) = try Self.bench(image, entries)
    #expect(try await bench.pull(request).imageDigest == wanted)
    let (alone, _, only) = try Self.bench(image, [entries[0]])
    #expect(try await alone.pull(only).imageDigest == odd)
    #expect(alone.display.warnings.contains { $0.contains("no layer of one") })
  }

  @Test(
    "layers of types that servers and packers give to any file are layers",
    arguments: [
      "", "application/octet-stream", "text/html", "application/x-tar", "application/gzip",
      "application/x-gtar", "application/zstd", "application/vnd.oci.image.layer.nydus.blob.v1",
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
      "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
    ])
  func oddLayers(type: String) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let odd = try OddIndexTests.add("linux/amd64", to: &image, edit: Self.layers(of: type))
    let (bench, _, request) = try Self.bench(
      image, [odd, image.manifest].map { OddIndexTests.entry($0, of: image, Self.amd64) })
    #expect(try await bench.pull(request).imageDigest == odd)
  }

  @Test("of two for one platform the one whose configuration is an image's is taken")
  func configurationDecides() async throws {
    var image = try FakeImage(layers: [Self.layer])
    let wanted = image.manifest
    let config = Array(#"{"predicate":1}"#.utf8)
    let digest = try Digest.of(config)
    image.blobs[digest] = config
    let odd = try OddIndexTests.add("linux/amd64", to: &image) { document in
      document["config"] = [
        "mediaType": MediaType.ociConfig.rawValue, "digest": "\(digest)", "size": config.count,
      ]
    }
    let (bench, _, request) = try Self.bench(
      image, [odd, wanted].map { OddIndexTests.entry($0, of: image, Self.amd64) })
    #expect(try await bench.pull(request).imageDigest == wanted)
  }

  @Test(
    "an artifact is not offered as an image for its platform",
    arguments: ["linux/amd64", "linux/arm64"], [true, false])
  func notOffered(platform: String, isNested: Bool) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let artifact = try OddIndexTests.add("linux/amd64", to: &image, edit: OddIndexTests.artifact)
    var entry = OddIndexTests.entry(artifact, of: image, Self.amd64)
    if isNested {
      let nested = try image.addIndex([entry]).digest
      entry = OddIndexTests.entry(
        nested, of: image, Self.amd64, type: MediaType.ociIndex.rawValue)
    }
    var (bench, _, request) = try Self.bench(image, [entry])
    request.platforms = .one(try Platform(platform), isExplicit: true)
    let error = try await bench.failure(request)
    #expect(error.category == .notFound)
    if platform == "linux/amd64" || !isNested {
      #expect(error.description.contains("artifacts (application/spdx+json)"), "\(error)")
    }
    // Beside an image of another platform only that one is.
    let arm = try OddIndexTests.add("linux/s390x", to: &image)
    let other = OddIndexTests.entry(
      arm, of: image, ["platform": ["os": "linux", "architecture": "s390x"]])
    (bench, _, request) = try Self.bench(image, [entry, other])
    let second = try await bench.failure(request)
    #expect(second.description.hasSuffix("available: linux/s390x"), "\(second)")
  }

  enum Trouble: CaseIterable { case gone, otherBytes, noManifest, wrongSize, noConfiguration }

  @Test(
    "where the first of a platform cannot be had or read, the next one is tried, and that is said",
    arguments: Trouble.allCases)
  func secondOfPlatform(trouble: Trouble) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let wanted = image.manifest
    let odd = try OddIndexTests.add("linux/amd64", to: &image) { document in
      document["annotations"] = ["first": "yes"]
      guard trouble == .noConfiguration else { return }
      let digest = "sha256:" + String(repeating: "d", count: 64)
      document["config"] = ["mediaType": "text/plain", "digest": digest, "size": 7]
    }
    var first = OddIndexTests.entry(odd, of: image, Self.amd64)
    switch trouble {
    case .gone: image.manifests[odd] = nil
    case .otherBytes: image.manifests[odd]?.bytes[0] = 0x20
    case .noManifest:
      let bytes = Array("{}".utf8)
      image.manifests[try Digest.of(bytes)] = (.ociManifest, bytes)
      first["digest"] = "\(try Digest.of(bytes))"
      first["size"] = bytes.count
    case .wrongSize: first["size"] = 7
    case .noConfiguration: break
    }
    let second = OddIndexTests.entry(wanted, of: image, Self.amd64)
    let (bench, _, request) = try Self.bench(image, [first, second])
    #expect(try await bench.pull(request).imageDigest == wanted)
    #expect(bench.display.warnings.contains { $0.contains("passed over") })
    // Alone, it is the reason.
    let (alone, _, only) = try Self.bench(image, [first])
    let error = try await alone.failure(only)
    #expect(error.category == .integrity || error.category == .notFound, "\(error)")
    #expect(!error.description.contains("available"), "\(error)")
  }

  // MARK: Unknown platforms

  @Test(
    "an image whose index says that its platform is not known is taken by its configuration",
    arguments: [("unknown", "unknown"), ("linux", "unknown"), ("unknown", "amd64")],
    ["", nil] as [String?])
  func unknown(platform: (os: String, architecture: String), kind: String?) async throws {
    let image = try FakeImage(layers: [Self.layer])
    var entry: [String: Any] = [
      "platform": ["os": platform.os, "architecture": platform.architecture]
    ]
    if let kind { entry["annotations"] = ["vnd.docker.reference.type": kind] }
    let (bench, _, request) = try Self.bench(
      image, [OddIndexTests.entry(image.manifest, of: image, entry)])
    #expect(try await bench.pull(request).imageDigest == image.manifest)
    #expect(bench.display.warnings.contains { $0.contains("not known") })
    #expect(
      try bench.store.index().manifests.first?.platform == Platform("linux/amd64"))
  }

  @Test("an empty type of reference makes no attestation of an image")
  func emptyReference() async throws {
    let image = try FakeImage(layers: [Self.layer])
    let notes: [String: Any] = ["annotations": ["vnd.docker.reference.type": ""]]
    let (bench, _, request) = try Self.bench(
      image, [OddIndexTests.entry(image.manifest, of: image, Self.amd64.merging(notes) { $1 })])
    #expect(try await bench.pull(request).imageDigest == image.manifest)
    #expect(bench.display.warnings.isEmpty)
  }

  @Test(
    "an attestation is no image, whether its entry says so or only its content",
    arguments: [["vnd.docker.reference.type": "attestation-manifest"], nil] as [[String: String]?])
  func attestation(notes: [String: String]?) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let odd = try OddIndexTests.add(
      "linux/amd64", to: &image, edit: Self.layers(of: "application/vnd.in-toto+json"))
    var more = Self.nowhere
    more["annotations"] = notes
    let entry = OddIndexTests.entry(odd, of: image, more)
    let (alone, _, only) = try Self.bench(image, [entry])
    let error = try await alone.failure(only)
    #expect(error.description.contains("is an index of artifacts (a"), "\(error)")
    // Beside the image nobody looks at it.
    let (bench, registry, request) = try Self.bench(
      image, [entry, OddIndexTests.entry(image.manifest, of: image, Self.amd64)])
    #expect(try await bench.pull(request).imageDigest == image.manifest)
    #expect(!registry.server.requests.contains { $0.target.contains("\(odd)") })
  }

  @Test("entries that cannot be read are named where there is no image", arguments: [1, 2])
  func unreadable(count: Int) async throws {
    let image = try FakeImage(layers: [Self.layer])
    let odd: [[String: Any]] = Array(repeating: ["digest": "md5:x", "size": 1], count: count)
    let words = count == 1 ? "one of its entries" : "2 of its entries"
    let (bench, _, request) = try Self.bench(image, odd)
    #expect(try await bench.failure(request).description.contains(words))
    var (other, _, second) = try Self.bench(
      image, odd + [OddIndexTests.entry(image.manifest, of: image, Self.amd64)])
    second.platforms = .one(try Platform("linux/s390x"), isExplicit: true)
    let error = try await other.failure(second)
    #expect(error.description.contains(words), "\(error)")
    #expect(error.description.hasSuffix("available: linux/amd64"), "\(error)")
  }
}
