import Foundation
import OCI
import Pull
import Registry
import Store
import Support
import Testing

/// What a hostile registry, or whoever stands between, may try; each ends in an error, and nothing is
/// published, overwritten or given away.
///
/// More of them stand beside what they attack; `docs/design/faults.md` says which test is for which attack.
@Suite("Attacks", .timeLimit(.minutes(10)), .serialized)
struct AttackTests {
  /// An index of documents, added to an image; returns its digest and size.
  static func addIndex(
    of children: [(digest: Digest, size: Int, type: MediaType)], to image: inout FakeImage
  ) throws -> (digest: Digest, size: Int, type: MediaType) {
    let (digest, size) = try image.addIndex(
      children.map { ["mediaType": $0.type.rawValue, "digest": "\($0.digest)", "size": $0.size] })
    return (digest, size, .ociIndex)
  }

  @Test("an index that names another ten thousand times is fetched once for each digest")
  func widelyNestedIndexes() async throws {
    var image = try FakeImage(layers: [])
    var child = (
      digest: image.manifest, size: image.manifests[image.manifest]?.bytes.count ?? 0,
      type: MediaType.ociManifest
    )
    for _ in 0..<3 {
      child = try Self.addIndex(of: Array(repeating: child, count: 10_000), to: &image)
    }
    image.tags["latest"] = child.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    try await bench.pull(request)
    #expect(registry.server.requests.filter { $0.target.contains("/manifests/") }.count == 4)
  }

  @Test("documents that are too many bytes together are refused")
  func manyLargeDocuments() async throws {
    var image = try FakeImage(layers: [])
    var children: [(digest: Digest, size: Int, type: MediaType)] = []
    let (_, manifest) = try #require(image.manifests[image.manifest])
    for number in 0..<20 {
      // White space after the document, a little more each time: each is another document.
      let bytes = manifest + [UInt8](repeating: 0x20, count: (3 << 20) + number)
      let digest = try Digest.of(bytes)
      image.manifests[digest] = (.ociManifest, bytes)
      children.append((digest, bytes.count, .ociManifest))
    }
    image.tags["latest"] = try Self.addIndex(of: children, to: &image).digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    let error = try await bench.failure(request)
    #expect(error.category == .integrity)
    #expect(error.description.contains("manifests of more than 32 MiB"), "\(error)")
    #expect(registry.server.requests.count < 14)
  }

  @Test("a manifest of more layers than anybody makes is refused before any of them is fetched")
  func millionsOfLayers() async throws {
    let image = try FakeImage(layers: [Content.bytes(10, seed: 1)]) { document in
      guard let layers = document["layers"] as? [[String: Any]] else { return }
      document["layers"] = Array(repeating: layers[0], count: ImageDocument.entryLimit + 1)
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == .integrity)
    #expect(registry.blobRequests.isEmpty)
  }

  @Test(
    "layers that claim more than any disk, or any integer, holds are refused before they are fetched",
    arguments: [1, 3])
  func hugeSizes(count: Int) async throws {
    let image = try FakeImage(layers: [Content.bytes(10, seed: 1)]) { document in
      guard let layers = document["layers"] as? [[String: Any]] else { return }
      // The sum of three is beyond an Int64.
      document["layers"] = (0..<count).map { number in
        layers[0].merging([
          "size": Int64.max / 2, "digest": "sha256:" + String(repeating: "\(number)", count: 64),
        ]) { $1 }
      }
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == (count == 1 ? .disk : .integrity), "\(error)")
    #expect(registry.blobRequests.isEmpty)
  }

  @Test("sizes that overflow over all platforms are refused before they are fetched")
  func hugeTogether() async throws {
    let image = try FakeImage(layers: [], platforms: ["linux/amd64", "linux/arm64"]) { document in
      var config = document["config"] as? [String: Any] ?? [:]
      config["size"] = Int64.max
      document["config"] = config
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    #expect(try await bench.failure(request).category == .integrity)
    #expect(registry.blobRequests.isEmpty)
  }

  @Test("an index that names itself ends")
  func circle() async throws {
    var image = try FakeImage(layers: [])
    let invented = try Digest("sha256:" + String(repeating: "c", count: 64))
    // Its own size, so that only the digest is wrong.
    let size = try Self.addIndex(of: [(invented, 100, .ociIndex)], to: &image).size
    let digest = try Self.addIndex(of: [(invented, size, .ociIndex)], to: &image).digest
    image.manifests[invented] = image.manifests[digest]
    image.tags["latest"] = digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    #expect(try await bench.failure(request).category == .integrity)
    // The entry's content is wrong, and asked for twice more.
    #expect(registry.server.requests.count == 4)
  }

  @Test("an index of more manifests than anybody makes is refused before any of them is fetched")
  func manyManifests() async throws {
    var image = try FakeImage(layers: [])
    let (_, bytes) = try #require(image.manifests[image.manifest])
    let child = (digest: image.manifest, size: bytes.count, type: MediaType.ociManifest)
    image.tags["latest"] =
      try Self.addIndex(
        of: Array(repeating: child, count: ImageDocument.entryLimit + 1), to: &image
      ).digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == .integrity)
    #expect(registry.server.requests.count == 1)
  }

  @Test(
    "a layer's urls are not followed to this machine's neighbours, nor to files",
    arguments: ["http://169.254.169.254/x", "http://2852039166/x", "file:///etc/passwd"])
  func hostileURLs(url: String) async throws {
    let image = try FakeImage(layers: [Content.bytes(500, seed: 1)]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["urls"] = [url]
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image) { request in
      request.target.contains("\(image.layers[0])") ? .status(404) : nil
    }
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.description.contains("refused"), "\(error)")
  }

  @Test(
    "giant answers beside the content are cut off",
    arguments: ["token", "error body", "header", "many headers", "endless error"])
  func giants(kind: String) async throws {
    let image = try FakeImage(layers: [Content.bytes(50_000, seed: 1)])
    let giant = [UInt8](repeating: 0x61, count: 5 << 20)
    // Each would be a good answer, or an error in other words, if it were taken whole.
    let registry = try FakeRegistry(image) { request in
      if request.target.hasPrefix("/token") {
        return .ok(Array(#"{"x":""#.utf8) + giant + Array(#"","token":"good"}"#.utf8))
      }
      if kind == "token", request["authorization"] != "Bearer good" {
        let host = request["host"] ?? ""
        return .status(401, [("WWW-Authenticate", "Bearer realm=\"http://\(host)/token\"")])
      }
      guard request.target.contains("/blobs/\(image.layers[0])"),
        let content = image.blobs[image.layers[0]]
      else { return nil }
      func answer(with fields: [UInt8]) -> Reply {
        let head = Reply.head(200, length: content.count)
        return .raw(Array(head.dropLast(2)) + fields + Array("\r\n".utf8) + content, .keep)
      }
      switch kind {
      case "error body": return .response(404, [], giant)
      case "header": return answer(with: Array("X: ".utf8) + giant + Array("\r\n".utf8))
      case "many headers":
        return answer(with: (0..<40_000).flatMap { Array("X-\($0): y\r\n".utf8) })
      case "endless error": return .raw(Array("HTTP/1.1 404 X\r\n\r\n".utf8), .flood)
      default: return nil
      }
    }
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n", workers: 1)
    request.settings.retries = 1
    let error = try await bench.failure(request)
    let expected =
      kind.hasSuffix("error body") || kind.hasPrefix("endless") ? "has no blob" : "larger than"
    #expect(
      error.description.utf8.count < 1_000 && error.description.contains(expected), "\(error)")
    try bench.expectNothingWrong()
  }

  @Test(
    "an index that lies about a manifest's size, or carries another one's bytes, gets no wrong one in",
    arguments: [-1, 1, 5 << 20, 0])
  func lyingIndex(by difference: Int) async throws {
    var image = try FakeImage(layers: [Content.bytes(500, seed: 1)])
    let (type, bytes) = try #require(image.manifests[image.manifest])
    var entry: [String: Any] = [
      "mediaType": type.rawValue, "digest": "\(image.manifest)", "size": bytes.count + difference,
      "platform": ["os": "linux", "architecture": "amd64"],
    ]
    // The right length, and another content.
    if difference == 0 { entry["data"] = Data(bytes.map { $0 ^ 1 }).base64EncodedString() }
    image.tags["latest"] = try image.addIndex([entry]).digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let request = try bench.request("\(registry.host)/o/n")
    if difference == 0 {
      try await bench.pull(request)
      try bench.expectWhole(image)
    } else {
      #expect(try await bench.failure(request).category == .integrity)
      #expect(registry.blobRequests.isEmpty)
      // More than a document may have is not even asked for.
      #expect(registry.server.requests.count == (difference > 1 ? 1 : 2))
    }
    try bench.expectNothingWrong()
  }

  @Test(
    "links planted in a store are not written through",
    arguments: [
      "blobs", "blobs/sha256", ".cairn", ".cairn/ingest", "index.json", ".cairn/lock",
      ".cairn/ingest/sha256-DIGEST.partial", ".cairn/ingest/sha256-DIGEST.map",
      "blobs/sha256/DIGEST",
    ])
  func linksInStores(name: String) async throws {
    let image = try FakeImage(layers: [Content.bytes(50_000, seed: 1)])
    let registry = try FakeRegistry(image)
    // Made by hand: not even the first opening of the store may follow the link.
    let folder = try TemporaryFolder()
    let manager = FileManager.default
    let root = folder("store")
    let victim = folder("victim")
    let path = "\(root)/" + name.replacing("DIGEST", with: image.layers[0].hex)
    try manager.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    let isFolder = !name.contains("DIGEST") && !["index.json", ".cairn/lock"].contains(name)
    if isFolder {
      try manager.createDirectory(atPath: victim, withIntermediateDirectories: true)
    } else {
      try writeFile(victim, Self.theirs)
    }
    try writeFile(root + "/oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    #expect(symlink(victim, path) == 0)
    if isFolder {
      #expect(throws: StoreError.self) { try ContentStore(root: root) }
      #expect(try manager.contentsOfDirectory(atPath: victim).isEmpty)
      return
    }
    // Refused, or the link replaced: what it points to stays as it was.
    let isReplaced = name.hasSuffix(".map") || name.hasSuffix("/DIGEST")
    do {
      let bench = try Bench(store: ContentStore(root: root))
      try await bench.pull("\(registry.host)/o/n")
      #expect(isReplaced)
      try bench.expectWhole(image)
    } catch {
      #expect(!isReplaced, "\(error)")
    }
    #expect(try readFile(victim) == Self.theirs)
  }

  /// A file that would do as an index.
  static let theirs = Array(#"{"schemaVersion":2,"manifests":[]}"#.utf8)

  @Test("annotations of a registry say nothing of what the store or an output calls an image")
  func namesInAnnotations() async throws {
    var image = try FakeImage(layers: [Content.bytes(500, seed: 1)])
    let (type, bytes) = try #require(image.manifests[image.manifest])
    let (digest, _) = try image.addIndex([
      [
        "mediaType": type.rawValue, "digest": "\(image.manifest)", "size": bytes.count,
        "platform": ["os": "linux", "architecture": "amd64"],
        "annotations": [
          LayoutIndex.nameKey: "docker.io/library/trusted:latest",
          "io.containerd.image.name": "docker.io/library/trusted:latest",
          LayoutIndex.sourceKey: "sha256:" + String(repeating: "a", count: 64),
          LayoutIndex.pulledKey: "9e99", "org.example.kept": "yes",
        ],
      ]
    ])
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n@\(digest)")
    request.outputs = [try OutputTarget("oci:\(bench.folder("out"))")]
    try await bench.pull(request)
    for layout in [bench.store.root, bench.folder("out")] {
      let text = String(decoding: try readFile(layout + "/index.json"), as: UTF8.self)
      #expect(
        !text.contains("trusted") && !text.contains("aaaa") && !text.contains("9e99"), "\(text)")
      #expect(text.contains("org.example.kept"))
    }
  }

  @Test("more annotations than an index can hold are left out")
  func manyAnnotations() {
    let many = ["a": String(repeating: "x", count: 64 << 10)]
    #expect(LayoutIndex.notes(served: many) == nil)
    #expect(LayoutIndex.notes(served: ["a": "b"]) == ["a": "b"])
    #expect(LayoutIndex.notes(served: nil) == nil)
  }

  @Test("titles and annotations with ../ name no file of an output", arguments: ["dir", "oci"])
  func titlesAsPaths(kind: String) async throws {
    let image = try FakeImage(layers: [Content.bytes(500, seed: 1)]) { document in
      guard var layers = document["layers"] as? [[String: Any]] else { return }
      layers[0]["annotations"] = ["org.opencontainers.image.title": "../../evil"]
      document["layers"] = layers
      document["annotations"] = ["org.opencontainers.image.ref.name": "../../evil"]
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    let output = bench.folder("a/b/out")
    try FileManager.default.createDirectory(
      atPath: bench.folder("a/b"), withIntermediateDirectories: true)
    request.outputs = [try OutputTarget("\(kind):\(output)")]
    try await bench.pull(request)
    let found = try #require(FileManager.default.subpaths(atPath: bench.folder("a")))
    #expect(found.allSatisfy { $0 == "b" || $0.hasPrefix("b/out") })
    #expect(!found.contains { $0.contains("evil") })
    let all = FileManager.default.subpaths(atPath: bench.folder.path) ?? []
    #expect(!all.contains { $0.contains("evil") })
  }

  @Test(
    "links planted in an output are not written through",
    arguments: ["index.json", "oci-layout", "blobs", "blobs/sha256"])
  func linksInOutputs(name: String) async throws {
    let image = try FakeImage(layers: [Content.bytes(500, seed: 1)])
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let output = bench.folder("out")
    let victim = bench.folder("victim")
    let manager = FileManager.default
    try manager.createDirectory(atPath: output, withIntermediateDirectories: true)
    if name.hasPrefix("blobs") {
      try manager.createDirectory(atPath: victim, withIntermediateDirectories: true)
      if name == "blobs/sha256" {
        try manager.createDirectory(atPath: output + "/blobs", withIntermediateDirectories: true)
      }
    } else {
      try writeFile(victim, Self.theirs)
    }
    if name != "oci-layout" {
      try writeFile(output + "/oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    }
    #expect(symlink(victim, "\(output)/\(name)") == 0)
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [try OutputTarget("oci:\(output)")]
    request.overwrites = true
    #expect(try await bench.failure(request).category == .disk)
    if name.hasPrefix("blobs") {
      #expect(try manager.contentsOfDirectory(atPath: victim).isEmpty)
    } else {
      #expect(try readFile(victim) == Self.theirs)
    }
  }

  @Test(
    "a link of one's own leads to the archive that is replaced; a directory is never written through a link, nor root through others' links",
    arguments: ["dir", "oci-archive", "docker-archive"], [false, true])
  func linkAsOutput(kind: String, isOthers: Bool) async throws {
    guard geteuid() == 0 || !isOthers else {
      try Test.cancel("only root can make what belongs to others")
    }
    let image = try FakeImage(layers: [Content.bytes(500, seed: 1)])
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [try OutputTarget("\(kind):\(bench.folder("theirs"))")]
    try await bench.pull(request)
    func files() throws -> [String] {
      try FileManager.default.subpathsOfDirectory(atPath: bench.folder.path).filter {
        $0.hasPrefix("theirs")
      }
    }
    let before = try files()
    #expect(symlink(bench.folder("theirs"), bench.folder("out")) == 0)
    request.outputs = [try OutputTarget("\(kind):\(bench.folder("out"))")]
    request.overwrites = true
    if isOthers { lchown(bench.folder("out"), 65_534, 65_534) }
    func target() -> stat {
      var info = stat()
      stat(bench.folder("theirs"), &info)
      return info
    }
    let old = target()
    if kind == "dir" || isOthers {
      let error = try await bench.failure(request)
      #expect(error.category == .disk && error.description.contains("link"), "\(error)")
      #expect(target().st_ino == old.st_ino && target().st_mtim.tv_nsec == old.st_mtim.tv_nsec)
    } else {
      try await bench.pull(request)
      #expect(target().st_ino != old.st_ino)
    }
    var info = stat()
    #expect(lstat(bench.folder("out"), &info) == 0 && info.st_mode & S_IFMT == S_IFLNK)
    #expect(try files() == before && !before.isEmpty)
  }

  @Test("what is in the store is for its user only", arguments: [false, true])
  func permissions(failing: Bool) async throws {
    let layer = Content.bytes(50_000, seed: 1)
    let image = try FakeImage(layers: [layer], platforms: ["linux/amd64"])
    let count = Counter()
    let registry = try FakeRegistry(image) { request in
      guard failing, request.target.contains("\(image.layers[0])") else { return nil }
      return count.next() == 1
        ? .raw(Reply.head(200, length: layer.count) + layer.prefix(20_000), .close) : .status(404)
    }
    let bench = try Bench()
    let request = try bench.request("\(registry.host)/o/n", workers: 1)
    if failing {
      #expect(try await bench.failure(request).category == .notFound)
      let partial = try FileManager.default.contentsOfDirectory(
        atPath: bench.store.root + "/.cairn/ingest")
      #expect(
        partial.contains { $0.hasSuffix(".partial") } && partial.contains { $0.hasSuffix(".map") })
    } else {
      try await bench.pull(request)
    }
    let names = try #require(FileManager.default.subpaths(atPath: bench.store.root))
    #expect(names.count > 5)
    for name in names + [""] {
      var info = stat()
      #expect(lstat("\(bench.store.root)/\(name)", &info) == 0)
      #expect(info.st_mode & 0o077 == 0, "\(name) is open to others")
    }
  }
}
