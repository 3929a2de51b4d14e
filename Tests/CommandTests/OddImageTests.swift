import Foundation
import OCI
import Store
import Support
import Testing

/// Images with types that no specification gives them, with skopeo and umoci as judges of what is
/// written of them.
@Suite(
  "Odd images and their readers", .enabled(if: Command.hasServers), .timeLimit(.minutes(10)),
  .serialized)
struct OddImageTests {
  let cairn: Command

  init() throws { cairn = try Command() }

  static let dockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip"
  static let ociLayer = "application/vnd.oci.image.layer.v1.tar+gzip"

  /// An image of one real layer with a file `hello`, with these types.
  func image(
    _ manifest: MediaType, config: String, layer: String, file: String = "layer.tar.gz",
    edit: (inout [String: Any]) -> Void = { _ in }
  ) async throws -> FakeImage {
    try writeFile(cairn.folder("hello"), Array("hello\n".utf8))
    for command in [["-cf", "layer.tar", "hello"], ["-czf", "layer.tar.gz", "hello"]] {
      let made = try await Command.tool(
        "tar", "-C", cairn.folder.path, command[0], cairn.folder(command[1]), command[2])
      #expect(made.status == 0)
    }
    let contents = try Digest.of(readFile(cairn.folder("layer.tar")))
    let text = Array(
      #"{"os":"linux","architecture":"amd64","config":{},"rootfs":{"type":"layers","diff_ids":["\#(contents)"]}}"#
        .utf8)
    let digest = try Digest.of(text)
    var image = try FakeImage(
      layers: [readFile(cairn.folder(file))], types: (manifest, .ociIndex)
    ) { document in
      document["config"] = ["mediaType": config, "digest": "\(digest)", "size": text.count]
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["mediaType"] = layer
      document["layers"] = layers
      edit(&document)
    }
    image.blobs[digest] = text
    return image
  }

  @Test(
    "every output and the store are read by skopeo, and unpacked by umoci (moby#48361, buildah#4551)",
    arguments: [
      (MediaType.dockerManifest, "application/octet-stream", dockerLayer),
      (.dockerManifest, "text/html", dockerLayer), (.dockerManifest, "", dockerLayer),
      (.ociManifest, "application/json", ociLayer),
      (.ociManifest, MediaType.dockerConfig.rawValue, dockerLayer),
      (.dockerManifest, MediaType.ociConfig.rawValue, ociLayer),
      (.ociManifest, MediaType.ociConfig.rawValue, "application/octet-stream"),
    ])
  func readers(manifest: MediaType, config: String, layer: String) async throws {
    let image = try await image(manifest, config: config, layer: layer)
    let registry = try FakeRegistry(image)
    let name = "\(registry.host)/o/n:latest"
    let folder = cairn.folder
    let outputs = [
      "oci:\(folder("oci")):t", "oci-archive:\(folder("a.tar")):t",
      "docker-archive:\(folder("d.tar"))", "dir:\(folder("dir"))",
    ]
    let pulled = try await Command.finish(
      cairn.process(
        ["pull", name, "--plain-http", "--platform", "linux/amd64"]
          + outputs.flatMap { ["--output", $0] }))
    #expect(pulled.status == 0, "\(pulled.errors)")
    for (number, source) in (outputs + ["oci:\(cairn.store):\(name)"]).enumerated() {
      for target in ["dir:\(folder("judge\(number)"))", "oci:\(folder("layout\(number)")):x"] {
        let copied = try await Command.tool(
          "skopeo", "copy", "--insecure-policy", source, target)
        #expect(copied.status == 0, "\(source): \(copied.errors)")
      }
      let inspected = try await Command.tool("skopeo", "inspect", source)
      #expect(inspected.status == 0, "\(source): \(inspected.errors)")
    }
    for (number, layout) in ["\(folder("oci")):t", "\(cairn.store):\(name)"].enumerated() {
      let unpacked = try await Command.tool(
        "umoci", "unpack", "--rootless", "--image", layout, folder("bundle\(number)"))
      #expect(unpacked.status == 0, "\(unpacked.errors)")
      #expect(try readFile(folder("bundle\(number)/rootfs/hello")) == Array("hello\n".utf8))
    }
    #expect(try await cairn("store", "verify").status == 0)
  }

  /// Pulls, and has skopeo and umoci read the store.
  func expectReadable(_ image: FakeImage, _ options: [String], unpacks: Bool) async throws {
    let registry = try FakeRegistry(image)
    let name = "\(registry.host)/o/n:latest"
    let pulled = try await Command.finish(cairn.process(["pull", name, "--plain-http"] + options))
    #expect(pulled.status == 0, "\(pulled.errors)")
    let source = "oci:\(cairn.store):\(name)"
    for target in ["dir:\(cairn.folder("dir"))", "oci:\(cairn.folder("oci")):x"] {
      let copied = try await Command.tool(
        "skopeo", "copy", "--all", "--insecure-policy", source, target)
      #expect(copied.status == 0, "\(copied.errors)")
    }
    #expect(try await cairn("store", "prune").status == 0)
    #expect(try await cairn("store", "verify").status == 0)
    guard unpacks else { return }
    let unpacked = try await Command.tool(
      "umoci", "unpack", "--rootless", "--image", "\(cairn.store):\(name)", cairn.folder("bundle"))
    #expect(unpacked.status == 0, "\(unpacked.errors)")
    #expect(try readFile(cairn.folder("bundle/rootfs/hello")) == Array("hello\n".utf8))
  }

  @Test(
    "a manifest with a version in other words, nulls or an odd subject is read by skopeo and umoci",
    arguments: ["none", "null", "0", "text", "fraction", "fsLayers", "subject", "history"],
    [MediaType.ociManifest, .dockerManifest])
  func oddManifests(oddity: String, manifest: MediaType) async throws {
    let image = try await image(
      manifest, config: "application/vnd.oci.image.serialization.config.v1+json",
      layer: Self.ociLayer
    ) { document in
      switch oddity {
      case "none": document["schemaVersion"] = nil
      case "null": document["schemaVersion"] = NSNull()
      case "0": document["schemaVersion"] = 0
      case "text": document["schemaVersion"] = "2"
      case "fraction": document["schemaVersion"] = NSDecimalNumber(string: "2.0")
      case "fsLayers": document["fsLayers"] = NSNull()
      case "subject": document["subject"] = 5
      default: document["history"] = [["v1Compatibility": "{}"]]
      }
    }
    try await expectReadable(image, ["--platform", "linux/amd64"], unpacks: true)
  }

  @Test(
    "a layer that is packed in another way than its type says is unpacked by umoci",
    arguments: [
      ("layer.tar", Self.ociLayer), ("layer.tar.gz", "application/vnd.oci.image.layer.v1.tar"),
    ])
  func contradicting(file: String, layer: String) async throws {
    let image = try await image(
      .ociManifest, config: MediaType.ociConfig.rawValue, layer: layer, file: file)
    try await expectReadable(image, ["--platform", "linux/amd64"], unpacks: true)
  }

  @Test("all of an index is copied by skopeo, whatever was passed over", arguments: [0, 1, 2, 3])
  func allOfIndex(number: Int) async throws {
    var image = try await image(
      .ociManifest, config: MediaType.ociConfig.rawValue, layer: Self.ociLayer)
    let gone = "sha256:" + String(repeating: "d", count: 64)
    let odd: [[String: Any]] = [
      ["mediaType": "application/vnd.example.v9+json", "digest": gone, "size": 7],
      ["mediaType": 5, "digest": gone, "size": 7],
      [
        "mediaType": MediaType.ociManifest.rawValue, "digest": gone, "size": 7,
        "platform": ["os": "unknown", "architecture": "unknown"],
      ],
      ["digest": 5, "size": "x"],
    ]
    let size = image.manifests[image.manifest]?.bytes.count ?? 0
    let good: [String: Any] = [
      "mediaType": MediaType.ociManifest.rawValue, "digest": "\(image.manifest)", "size": size,
      "platform": ["os": "linux", "architecture": "amd64"],
    ]
    image.tags["latest"] = try image.addIndex([odd[number], good]).digest
    try await expectReadable(image, ["--all-platforms"], unpacks: false)
  }
}
