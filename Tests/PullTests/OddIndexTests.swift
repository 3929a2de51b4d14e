import Foundation
import OCI
import Pull
import Store
import Support
import Testing

/// Indexes as registries have them and no specification does.
@Suite("Odd indexes", .timeLimit(.minutes(10)), .serialized)
struct OddIndexTests {
  static let layer = Content.bytes(2_000, seed: 1)

  /// An entry of an index for one of an image's manifests.
  static func entry(
    _ digest: Digest, of image: FakeImage, _ more: [String: Any] = [:],
    type: String? = MediaType.ociManifest.rawValue
  ) -> [String: Any] {
    var entry: [String: Any] = [
      "digest": "\(digest)", "size": image.manifests[digest]?.bytes.count ?? 0,
    ]
    entry["mediaType"] = type
    return entry.merging(more) { $1 }
  }

  /// Adds an image for a platform to another one's registry; returns its manifest.
  static func add(
    _ platform: String, to image: inout FakeImage, edit: (inout [String: Any]) -> Void = { _ in }
  ) throws -> Digest {
    let other = try FakeImage(layers: [layer], platforms: [platform], edit: edit)
    let manifest = try #require(other.manifests.keys.first { $0 != other.manifest })
    image.blobs.merge(other.blobs) { $1 }
    image.manifests[manifest] = other.manifests[manifest]
    return manifest
  }

  static let artifact: @Sendable (inout [String: Any]) -> Void = { document in
    document["artifactType"] = "application/spdx+json"
  }

  @Test(
    "an index is one by its kind, whatever its flavour, its entries' and what the server says",
    arguments: [
      MediaType.ociIndex.rawValue, MediaType.dockerList.rawValue, "text/plain", "application/json",
      "application/octet-stream", "Application/VND.OCI.Image.Index.v1+JSON; charset=utf-8",
    ],
    [MediaType.ociManifest.rawValue, MediaType.dockerManifest.rawValue, "application/json", nil])
  func flavours(served: String, entryType: String?) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let named = image.manifest
    let platform = ["platform": ["os": "linux", "architecture": "amd64"]]
    let index = try image.addIndex([Self.entry(named, of: image, platform, type: entryType)])
    let bytes = try #require(image.manifests[index.digest]?.bytes)
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image) { request in
      guard request.target.hasSuffix("/manifests/latest") else { return nil }
      return .ok(bytes, [("Content-Type", served)])
    }
    for platforms in [nil, ImageResolver.PlatformChoice.all] {
      let bench = try Bench()
      var request = try bench.request("\(registry.host)/o/n")
      request.platforms = platforms ?? request.platforms
      #expect(
        try await bench.pull(request).imageDigest == (platforms == nil ? named : index.digest))
      #expect(try StoreMaintenance(store: bench.store).images().map(\.isComplete) == [true])
      let entry = try #require(try bench.store.index().manifests.first)
      #expect(entry.mediaType == (platforms == nil ? .ociManifest : .ociIndex))
    }
  }

  // MARK: Entries

  static var oddEntries: [[String: Any]] {
    [
      ["platform": [:] as [String: String]], ["platform": ["os": "linux"]],
      ["platform": ["architecture": "amd64"]], ["platform": 7], ["annotations": NSNull()],
      ["annotations": ["a": NSNull()]], ["annotations": [7]], ["size": -1], ["size": NSNull()],
      ["digest": "md5:x"], ["digest": NSNull()], ["mediaType": "application/vnd.example.v9+json"],
    ]
  }

  @Test("an odd entry beside the one that is wanted is passed over", arguments: oddEntries.indices)
  func oddEntry(number: Int) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let wanted = image.manifest
    let other = try Self.add("linux/arm64", to: &image)
    let index = try image.addIndex([
      Self.entry(other, of: image, Self.oddEntries[number]),
      Self.entry(wanted, of: image, ["platform": ["os": "linux", "architecture": "amd64"]]),
    ])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    #expect(try await bench.pull(request).imageDigest == wanted)
    #expect(bench.display.warnings.isEmpty)
    // All of it: what can be read is taken, the rest is passed over with a note.
    request.platforms = .all
    #expect(try await bench.pull(request).imageDigest == index.digest)
    let isTaken = bench.store.document(other) != nil
    #expect(bench.display.warnings.count == (isTaken ? 0 : 1), "\(bench.display.warnings)")
    #expect(isTaken == (number < 9))
    #expect(try StoreMaintenance(store: bench.store).images().allSatisfy(\.isComplete))
    _ = try StoreMaintenance(store: bench.store).prune(olderThan: nil, keepBytes: nil, now: 0)
    #expect(bench.store.document(wanted) != nil)
  }

  /// What an index may give in place of a manifest's size; nil: nothing.
  static var noSizes: [Any?] { [nil, NSNull(), -1, 0, 1.5, "7", [7], true] }

  @Test(
    "what an index names without a size is judged by its digest, and the store gives the right size",
    arguments: noSizes.indices, [true, false])
  func sizeOfEntry(number: Int, takesAll: Bool) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let wanted = image.manifest
    var entry = Self.entry(
      wanted, of: image, ["platform": ["os": "linux", "architecture": "amd64"]])
    entry["size"] = Self.noSizes[number]
    let index = try image.addIndex([entry])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    if takesAll { request.platforms = .all }
    // Also from the store.
    for _ in 0..<2 {
      let summary = try await bench.pull(request)
      #expect(summary.imageDigest == (takesAll ? index.digest : wanted))
    }
    try bench.expectWhole(image)
    #expect(try StoreMaintenance(store: bench.store).images().allSatisfy(\.isComplete))
    for descriptor in try bench.store.index().manifests {
      #expect(bench.store.size(of: descriptor.digest) == descriptor.size)
      let data = try #require(bench.store.document(descriptor.digest))
      if case .index(let named) = try ImageDocument.parse(data, contentType: nil) {
        #expect(
          named.manifests.map { bench.store.size(of: $0.digest) } == named.manifests.map(\.size))
      }
    }
  }

  @Test(
    "sizes that a manifest leaves out are learnt, and the store's manifest gives them",
    arguments: [[], ["config"], ["layers"], ["config", "layers"]], [true, false])
  func missingSizes(members: [String], byRange: Bool) async throws {
    let image = try FakeImage(layers: [Self.layer, Self.layer, Content.bytes(200_000, seed: 3)]) {
      document in
      if members.contains("config") {
        var config = document["config"] as? [String: Any] ?? [:]
        config["size"] = nil
        document["config"] = config
      }
      if members.contains("layers") {
        var layers = document["layers"] as? [[String: Any]] ?? []
        for index in layers.indices { layers[index]["size"] = index == 0 ? NSNull() : nil }
        document["layers"] = layers
      }
    }
    let registry = try FakeRegistry(image) { request in
      guard !byRange, request.target.contains("/blobs/") else { return nil }
      var whole = request
      whole.fields = []
      return FakeRegistry.answer(whole, image)
    }
    let bench = try Bench()
    for _ in 0..<2 { try await bench.pull("\(registry.host)/o/n") }
    try bench.expectWhole(image)
    let named = try #require(try bench.store.index().manifests.first)
    let data = try #require(bench.store.document(named.digest))
    guard case .manifest(let manifest) = try ImageDocument.parse(data, contentType: nil) else {
      Issue.record("no manifest")
      return
    }
    #expect(manifest.unsized.isEmpty)
    for blob in [manifest.config] + manifest.layers {
      #expect(bench.store.size(of: blob.digest) == blob.size)
    }
  }

  @Test(
    "a size that nobody gives is learnt from what comes where that is small; else an error names who did not",
    arguments: [(40_000, true), (5 << 20, false)])
  func unknowableSize(bytes: Int, isLearnt: Bool) async throws {
    let layer = Content.bytes(bytes, seed: 3)
    let image = try FakeImage(layers: [layer]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["size"] = nil
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("\(image.layers[0])") else { return nil }
      return MirrorTests.chunked(layer)
    }
    let bench = try Bench()
    guard !isLearnt else {
      try await bench.pull("\(registry.host)/o/n")
      return try bench.expectWhole(image)
    }
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.description.contains(registry.host), "\(error)")
    #expect(error.description.contains("how large"), "\(error)")
  }

  @Test(
    "an entry whose type says nothing, and that is no manifest, is passed over by all platforms")
  func noManifest() async throws {
    var image = try FakeImage(layers: [Self.layer])
    let bytes = Array("no manifest".utf8)
    let odd = try Digest.of(bytes)
    image.manifests[odd] = (MediaType(rawValue: "text/plain"), bytes)
    let gone = try Digest("sha256:" + String(repeating: "d", count: 64))
    let index = try image.addIndex([
      Self.entry(odd, of: image, type: "text/plain"), Self.entry(gone, of: image, type: nil),
      Self.entry(image.manifest, of: image),
    ])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    try await bench.pull(request)
    #expect(bench.display.warnings.count == 2)
    #expect(try StoreMaintenance(store: bench.store).images().map(\.isComplete) == [true])
    // Where nothing is left, it is no image.
    let none = try image.addIndex([Self.entry(odd, of: image, type: "text/plain")])
    image.tags["none"] = none.digest
    let second = try FakeRegistry(image)
    request = try bench.request("\(second.host)/o/n:none")
    request.platforms = .all
    #expect(try await bench.failure(request).category == .integrity)
  }

  // MARK: No platform

  @Test(
    "not so many entries that say nothing of their platform are looked at", arguments: [20, 300])
  func manyUndecided(count: Int) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let entry = Self.entry(image.manifest, of: image)
    let gone = (1..<count).map { number -> [String: Any] in
      var other = entry
      other["digest"] = "sha256:" + String(repeating: "0", count: 60) + "\(1_000 + number)"
      return other
    }
    let index = try image.addIndex(gone + [entry])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let request = try bench.request("\(registry.host)/o/n")
    if count > 256 {
      let error = try await bench.failure(request)
      #expect(error.description.contains("more than 256 entries that do not say what they are for"))
      return
    }
    #expect(try await bench.pull(request).imageDigest == image.manifest)
  }

  /// influxdata/influxdata-docker#751, Azure/AgentBaker#8815, docker/for-linux#1170.
  @Test("an index that says another platform than the configuration is said to")
  func lyingIndex() async throws {
    var image = try FakeImage(layers: [Self.layer], platforms: ["linux/arm64"])
    let manifest = try #require(image.manifests.keys.first { $0 != image.manifest })
    let index = try image.addIndex([
      Self.entry(manifest, of: image, ["platform": ["os": "linux", "architecture": "amd64"]])
    ])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .one(try Platform("linux/amd64"), isExplicit: true)
    #expect(try await bench.pull(request).imageDigest == manifest)
    #expect(
      bench.display.warnings.contains {
        $0.contains("says that the image is for linux/amd64, its configuration says linux/arm64")
      })
  }

  @Test(
    "where entries name no platform, the configurations do",
    arguments: [("linux/amd64", 0), ("linux/arm64", 1), ("linux/arm/v7", 2), ("linux/arm/v8", 2)])
  func undecided(platform: String, expected: Int) async throws {
    var image = try FakeImage(layers: [Self.layer])
    var manifests = [image.manifest]
    manifests.append(try Self.add("linux/arm64", to: &image))
    manifests.append(try Self.add("linux/arm", to: &image))
    let odd: [[String: Any]] = [[:], ["platform": NSNull()], ["platform": ["os": "linux"]]]
    let index = try image.addIndex(
      zip(manifests, odd).reversed().map { Self.entry($0, of: image, $1) })
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .one(try Platform(platform), isExplicit: true)
    #expect(try await bench.pull(request).imageDigest == manifests[expected])
    let images = try StoreMaintenance(store: bench.store).images()
    #expect(images.map(\.isComplete) == [true])
    #expect(images[0].descriptor.platform != nil)
    // The configuration was fetched to choose, and not again with the layers.
    let configurations = registry.blobRequests.filter {
      $0.target.hasSuffix(Self.config(of: image, manifests[expected]))
    }
    #expect(configurations.count == 1)
  }

  static func config(of image: FakeImage, _ manifest: Digest) -> String {
    guard let bytes = image.manifests[manifest]?.bytes,
      case .manifest(let parsed) = try? ImageDocument.parse(Data(bytes), contentType: nil)
    else { return "?" }
    return parsed.config.digest.description
  }

  @Test("a platform that only configurations name can be taken by the hint of the error")
  func hintWorks() async throws {
    var image = try FakeImage(layers: [Self.layer])
    let arm = try Self.add("linux/arm64", to: &image)
    let index = try image.addIndex([Self.entry(arm, of: image)])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    let error = try await bench.failure(request)
    #expect(error.category == .notFound)
    #expect(error.description.hasSuffix("available: linux/arm64"), "\(error)")
    #expect(error.hint?.contains("--platform") == true)
    request.platforms = .one(try Platform("linux/arm64"), isExplicit: true)
    #expect(try await bench.pull(request).imageDigest == arm)
  }

  @Test("a list of one that names its platform nowhere is what is meant")
  func listOfOne() async throws {
    var image = try FakeImage(layers: [Self.layer])
    let config = Array(#"{"os":7,"rootfs":{"type":"layers","diff_ids":null}}"#.utf8)
    let digest = try Digest.of(config)
    image.blobs[digest] = config
    let manifest = try Self.add("linux/amd64", to: &image) { document in
      document["config"] = [
        "mediaType": "application/octet-stream", "digest": "\(digest)", "size": config.count,
      ]
    }
    let attestation = try Self.add("linux/s390x", to: &image)
    let index = try image.addIndex([
      Self.entry(manifest, of: image),
      Self.entry(
        attestation, of: image, ["platform": ["os": "unknown", "architecture": "unknown"]]),
    ])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    #expect(try await bench.pull("\(registry.host)/o/n").imageDigest == manifest)
  }

  // MARK: Artifacts

  @Test(
    "an artifact of the same platform is no candidate, whether the index or only its manifest says so",
    arguments: [true, false], [true, false])
  func artifactFirst(indexSays: Bool, namesPlatforms: Bool) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let wanted = image.manifest
    let artifact = try Self.add("linux/amd64", to: &image, edit: Self.artifact)
    let platform: [String: Any] =
      namesPlatforms ? ["platform": ["os": "linux", "architecture": "amd64"]] : [:]
    let said: [String: Any] = indexSays ? ["artifactType": "application/spdx+json"] : [:]
    let index = try image.addIndex([
      Self.entry(artifact, of: image, platform.merging(said) { $1 }),
      Self.entry(wanted, of: image, platform),
    ])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    #expect(try await bench.pull("\(registry.host)/o/n").imageDigest == wanted)
    try bench.expectNothingWrong()
  }

  @Test("an index of artifacts only says so, and its hint works", arguments: [true, false])
  func artifactsOnly(indexSays: Bool) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let artifact = try Self.add("linux/amd64", to: &image, edit: Self.artifact)
    let said: [String: Any] = indexSays ? ["artifactType": "application/spdx+json"] : [:]
    let index = try image.addIndex([Self.entry(artifact, of: image, said)])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    let error = try await bench.failure(request)
    #expect(error.category == .notFound)
    #expect(error.description.contains("artifacts (application/spdx+json)"), "\(error)")
    #expect(error.hint?.contains("--all-platforms") == true)
    request.platforms = .all
    #expect(try await bench.pull(request).imageDigest == index.digest)
    try await bench.pull("\(registry.host)/o/n@\(artifact)")
  }

  @Test(
    "an index that names nothing, or only types that are not known, says that", arguments: [0, 1])
  func nothingKnown(entries: Int) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let index = try image.addIndex(
      (0..<entries).map { _ in
        Self.entry(
          image.manifest, of: image, ["platform": ["os": "linux", "architecture": "amd64"]],
          type: "application/vnd.example.v9+json")
      })
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == .notFound && error.hint == nil)
    #expect(error.description.hasSuffix("is an index that names no image"), "\(error)")
  }

  @Test("an image in the second of two nested indexes is found")
  func nested() async throws {
    var image = try FakeImage(layers: [Self.layer])
    let wanted = image.manifest
    let arm = try Self.add("linux/arm64", to: &image)
    func platform(_ name: String) -> [String: Any] {
      ["platform": ["os": "linux", "architecture": name]]
    }
    let first = try image.addIndex([Self.entry(arm, of: image, platform("arm64"))]).digest
    let second = try image.addIndex([Self.entry(wanted, of: image, platform("amd64"))]).digest
    let root = try image.addIndex(
      [first, second].map { Self.entry($0, of: image, type: MediaType.ociIndex.rawValue) })
    image.tags["latest"] = root.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    #expect(try await bench.pull("\(registry.host)/o/n").imageDigest == wanted)
    #expect(try StoreMaintenance(store: bench.store).images().map(\.isComplete) == [true])
  }
}
