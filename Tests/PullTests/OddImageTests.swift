import Foundation
import OCI
import Pull
import Store
import Support
import Testing

/// Images with types that no specification gives them.
@Suite("Odd images", .timeLimit(.minutes(10)), .serialized)
struct OddImageTests {
  static let layer = Content.bytes(2_000, seed: 1)

  @Test(
    "an image whose configuration has another type than an image's is one, and readers of layouts know it",
    arguments: [
      "application/octet-stream", "text/html", "application/json", "", nil,
      "application/vnd.oci.image.serialization.config.v1+json",
      "application/vnd.docker.container.image.v1",
      "Application/VND.Docker.Container.Image.v1+JSON; charset=utf-8",
    ], [MediaType.ociManifest, .dockerManifest])
  func configurationTypes(type: String?, manifest: MediaType) async throws {
    let image = try FakeImage(
      layers: [[0x1F, 0x8B] + Self.layer], types: (manifest, .ociIndex)
    ) { document in
      var config = document["config"] as? [String: Any] ?? [:]
      config["mediaType"] = type
      document["config"] = config
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = try ["oci", "oci-archive", "docker-archive", "dir"].map {
      try OutputTarget("\($0):\(bench.folder($0))")
    }
    let summary = try await bench.pull(request)
    #expect(summary.digest == image.manifest)
    for layout in [bench.store.root, bench.folder("oci")] {
      let index = try #require(LayoutIndexFile(layout))
      let entry = try #require(index.manifests.first)
      #expect(entry.mediaType == .ociManifest)
      let data = try readFile("\(layout)/blobs/sha256/\(entry.digest.hex)")
      try Self.expectPlain(Data(data))
    }
    try Self.expectPlain(Data(try readFile(bench.folder("dir") + "/manifest.json")))
    #expect(FileManager.default.fileExists(atPath: bench.folder("docker-archive")))
    #expect(try StoreMaintenance(store: bench.store).images().map(\.isComplete) == [true])
  }

  /// A manifest in OCI's words throughout.
  static func expectPlain(_ data: Data) throws {
    guard case .manifest(let manifest) = try ImageDocument.parse(data, contentType: nil) else {
      Issue.record("no manifest")
      return
    }
    #expect(manifest.config.mediaType == .ociConfig)
    #expect(
      manifest.layers.map(\.mediaType.rawValue) == ["application/vnd.oci.image.layer.v1.tar+gzip"])
  }

  struct LayoutIndexFile {
    let manifests: [Descriptor]
    init?(_ layout: String) {
      guard let data = try? readFile(layout + "/index.json"),
        case .index(let index) = try? ImageDocument.parse(Data(data), contentType: nil)
      else { return nil }
      manifests = index.manifests
    }
  }

  @Test("an artifact goes into no docker-archive:, and that is said before anything is fetched")
  func artifactAsArchive() async throws {
    let image = try FakeImage(layers: [Self.layer]) { document in
      var config = document["config"] as? [String: Any] ?? [:]
      config["mediaType"] = "application/vnd.cncf.helm.config.v1+json"
      document["config"] = config
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [try OutputTarget("docker-archive:\(bench.folder("x.tar"))")]
    #expect(try await bench.failure(request).category == .usage)
    #expect(registry.blobRequests.isEmpty)
    request.outputs = []
    #expect(try await bench.pull(request).imageDigest == image.manifest)
    #expect(try bench.store.index().manifests.map(\.digest) == [image.manifest])
  }

  @Test(
    "encrypted layers go into no docker-archive:, but anywhere else (skopeo#982)",
    arguments: [
      "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
      "application/vnd.oci.image.layer.v1.tar+encrypted",
    ])
  func encryptedAsArchive(type: String) async throws {
    let image = try FakeImage(layers: [Self.layer]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["mediaType"] = type
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [try OutputTarget("docker-archive:\(bench.folder("x.tar"))")]
    let failure = try await bench.failure(request)
    #expect(failure.category == .usage && "\(failure)".contains("encrypted"), "\(failure)")
    #expect(registry.blobRequests.isEmpty)
    request.outputs = ["oci:\(bench.folder("o"))", "dir:\(bench.folder("d"))"].map {
      try! OutputTarget($0)
    }
    #expect(try await bench.pull(request).imageDigest == image.manifest)
    let layout = try #require(LayoutIndexFile(bench.folder("o")))
    #expect(layout.manifests.map(\.digest) == [image.manifest])
  }

  @Test(
    "what is no layer goes into no docker-archive: (sigstore/docs#259), a layer of any name does",
    arguments: [
      ("application/vnd.in-toto+json", false),
      ("application/vnd.dev.cosign.simplesigning.v1+json", false),
      ("application/vnd.acme.layer.v1.tar+gzip", true), ("application/octet-stream", true),
    ])
  func documentsAsArchive(type: String, isLoadable: Bool) async throws {
    let image = try FakeImage(layers: [Self.layer, [1, 2, 3]]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[1]["mediaType"] = type
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [try OutputTarget("docker-archive:\(bench.folder("x.tar"))")]
    guard !isLoadable else {
      #expect(try await bench.pull(request).imageDigest == image.manifest)
      return
    }
    let failure = try await bench.failure(request)
    #expect(failure.category == .usage && "\(failure)".contains(type), "\(failure)")
    #expect(registry.blobRequests.isEmpty)
    request.outputs = [try OutputTarget("oci:\(bench.folder("o"))")]
    #expect(try await bench.pull(request).imageDigest == image.manifest)
  }

  @Test("a name in a layout that is another image's is said before anything is fetched")
  func takenName() async throws {
    let (image, other) = (try FakeImage(layers: [Self.layer]), try FakeImage(layers: [[1, 2, 3]]))
    let (registry, second) = (try FakeRegistry(image), try FakeRegistry(other))
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [try OutputTarget("oci:\(bench.folder("o")):t")]
    #expect(try await bench.pull(request).imageDigest == image.manifest)
    var another = try bench.request("\(second.host)/o/n")
    another.outputs = request.outputs
    let failure = try await bench.failure(another)
    #expect("\(failure)".contains("\(bench.folder("o")):t exists already"), "\(failure)")
    #expect(second.blobRequests.isEmpty)
    another.overwrites = true
    #expect(try await bench.pull(another).imageDigest == other.manifest)
    #expect(!second.blobRequests.isEmpty)
  }

  @Test(
    "a name in a layout that is the same image's stays its own, also where only the end shows that",
    arguments: [
      "application/vnd.docker.image.rootfs.diff.tar.gzip", "application/octet-stream",
      "application/vnd.oci.image.layer.v1.tar+zstd",
    ])
  func ownName(type: String) async throws {
    let image = try FakeImage(layers: [Self.layer]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["mediaType"] = type
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image)
    let (bench, fresh) = (try Bench(), try Bench())
    for bench in [bench, fresh, fresh] {
      var request = try bench.request("\(registry.host)/o/n")
      request.outputs = [try OutputTarget("oci:\(fresh.folder("o")):t")]
      #expect(try await bench.pull(request).imageDigest == image.manifest)
    }
  }

  /// A registry with an image of this configuration.
  static func registry(config type: String, _ content: String) throws -> (
    FakeImage, FakeRegistry
  ) {
    let bytes = Array(content.utf8)
    let digest = try Digest.of(bytes)
    var image = try FakeImage(layers: [Self.layer]) { document in
      document["config"] = ["mediaType": type, "digest": "\(digest)", "size": bytes.count]
    }
    image.blobs[digest] = bytes
    return (image, try FakeRegistry(image))
  }

  static let noConfigurations = ["{}", "[]", "no JSON", "{\"rootfs\":7}", "null", " "]

  @Test(
    "what has no image's configuration goes into no docker-archive:, and its layers are not fetched",
    arguments: ["", "application/json", "application/vnd.oci.image.config.v1"], noConfigurations)
  func noImageAsArchive(type: String, content: String) async throws {
    let (image, registry) = try Self.registry(config: type, content)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [try OutputTarget("docker-archive:\(bench.folder("x.tar"))")]
    #expect(try await bench.failure(request).category == .usage)
    #expect(!registry.blobRequests.contains { $0.target.contains("\(image.layers[0])") })
    request.outputs = [try OutputTarget("oci:\(bench.folder("oci"))")]
    #expect(try await bench.pull(request).imageDigest == image.manifest)
  }

  @Test(
    "a configuration that is called an image's and is none makes no docker-archive:",
    arguments: [MediaType.ociConfig, .dockerConfig], noConfigurations)
  func calledImage(type: MediaType, content: String) async throws {
    let (image, registry) = try Self.registry(config: type.rawValue, content)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    let file = bench.folder("x.tar")
    request.outputs = [try OutputTarget("docker-archive:\(file)")]
    let error = try await bench.failure(request)
    #expect(error.category == .integrity && error.description.contains("docker-archive"))
    #expect(!FileManager.default.fileExists(atPath: file))
    request.outputs = []
    #expect(try await bench.pull(request).imageDigest == image.manifest)
  }

  @Test(
    "a configuration of another number of layers makes no docker-archive:",
    arguments: [0, 2])
  func otherLayers(count: Int) async throws {
    let layers = (0..<count).map { "\"sha256:\(String(repeating: "\($0)", count: 64))\"" }
    let (image, registry) = try Self.registry(
      config: MediaType.ociConfig.rawValue,
      #"{"rootfs":{"type":"layers","diff_ids":[\#(layers.joined(separator: ","))]}}"#)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    let file = bench.folder("x.tar")
    request.outputs = [try OutputTarget("docker-archive:\(file)")]
    let error = try await bench.failure(request)
    #expect(
      error.description.contains("lists \(count) layers of a root file system, its manifest 1"))
    #expect(!FileManager.default.fileExists(atPath: file))
    request.outputs = []
    #expect(try await bench.pull(request).imageDigest == image.manifest)
  }

  @Test(
    "a configuration that programs in Go cannot read goes where it is to go, with a word on that",
    arguments: [
      ("\u{FEFF}", #""created":"2024-01-02T03:04:05Z""#, "a byte order mark"),
      ("", #""created":"2024-00-02T03:04:05Z""#, #""2024-00-02T03:04:05Z" for "created""#),
      ("", #""history":[{"created":"yesterday"}]"#, "which is no time"),
      ("", #""author":7"#, "a string for \"author\""),
      ("", #""created":"2024-02-29T03:04:05.123456789+01:00","author":null,"variant":"v8""#, nil),
    ] as [(String, String, String?)])
  func unreadableByGo(start: String, member: String, words: String?) async throws {
    let digest = "sha256:" + String(repeating: "0", count: 64)
    let (_, registry) = try Self.registry(
      config: MediaType.ociConfig.rawValue,
      start + #"{"rootfs":{"type":"layers","diff_ids":["\#(digest)"]},\#(member)}"#)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [try OutputTarget("docker-archive:\(bench.folder("x.tar"))")]
    _ = try await bench.pull(request)
    let said = bench.display.warnings.filter { $0.contains("docker, podman and skopeo cannot") }
    #expect(said.count == (words == nil ? 0 : 1), "\(bench.display.warnings)")
    if let words { #expect(said.first?.contains(words) == true, "\(said)") }
  }

  @Test(
    "layers packed by zstd go into a docker-archive: with a word on who cannot load them",
    arguments: ["docker-archive", "oci-archive"], [true, false])
  func zstdLayers(output: String, isPacked: Bool) async throws {
    let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
    let layers = [Self.layer, (isPacked ? magic : [0x1F, 0x8B]) + Self.layer]
    // The bytes say how they are packed, whatever their type does.
    let registry = try FakeRegistry(try FakeImage(layers: layers))
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    let file = bench.folder("x.tar")
    request.outputs = [try OutputTarget("\(output):\(file)")]
    _ = try await bench.pull(request)
    #expect(FileManager.default.fileExists(atPath: file))
    let said = bench.display.warnings.filter { $0.contains("zstd") }
    guard isPacked, output == "docker-archive" else {
      #expect(said.isEmpty)
      return
    }
    #expect(said.count == 1)
    #expect(said.first?.contains("1 of 2 layers") == true)
    #expect(said.first?.contains("since Docker 23.0") == true)
  }

  @Test(
    "a size of nothing with the digest of something is the manifest's fault, and the other way round",
    arguments: ["config", "layers"], [true, false])
  func sizes(member: String, isZero: Bool) async throws {
    let empty = try Digest.of([])
    let image = try FakeImage(layers: [Self.layer]) { document in
      func changed(_ descriptor: Any?) -> [String: Any] {
        let more: [String: Any] = isZero ? ["size": 0] : ["digest": "\(empty)"]
        return (descriptor as? [String: Any] ?? [:]).merging(more) { $1 }
      }
      if member == "config" {
        document["config"] = changed(document["config"])
      } else {
        document["layers"] = [changed((document["layers"] as? [Any])?.first)]
      }
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == .integrity)
    #expect(error.description.contains("invalid image manifest"), "\(error)")
    #expect(error.description.contains("digest of nothing"), "\(error)")
    #expect(registry.blobRequests.isEmpty)
  }
}
