import Foundation
import OCI
import Pull
import Store
import Support
import Testing

/// What a prune leaves of odd images: all that the pull took.
@Suite("Pruning odd images", .timeLimit(.minutes(10)), .serialized)
struct PruneTests {
  static let layer = Content.bytes(2_000, seed: 1)

  /// Prunes; an image that was complete before is so afterwards, and whole.
  static func prune(_ store: ContentStore) throws -> StoreMaintenance.Removal {
    let maintenance = StoreMaintenance(store: store)
    let report = try maintenance.prune(olderThan: nil, keepBytes: nil, now: 0)
    #expect(try maintenance.images().allSatisfy(\.isComplete))
    #expect(try maintenance.verify(removesDamage: false).damage.isEmpty)
    return report
  }

  @Test("an interrupted prune ends, and the next one removes the rest")
  func interrupted() async throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder.path)
    for number in 0..<3 { try store.put(Data("\(number)".utf8), as: .of(Data("\(number)".utf8))) }
    let pruning = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      _ = try Self.prune(store)
    }
    await #expect(throws: StoreError.interrupted) { try await pruning.value }
    #expect(try Self.prune(store).blobs == 3)
  }

  @Test(
    "with all platforms nothing is removed of what was pulled, whatever its index calls it",
    arguments: [
      nil, "", "application/json", "text/plain", MediaType.dockerManifest.rawValue,
      "APPLICATION/vnd.oci.image.manifest.v1+json; x=y",
    ] as [String?], [MediaType.ociIndex, .dockerList])
  func entryTypes(type: String?, index: MediaType) async throws {
    var image = try FakeImage(layers: [Self.layer])
    let other = try OddIndexTests.add("linux/arm64", to: &image)
    let inner = OddIndexTests.entry(other, of: image, type: type)
    let nested = try image.addIndex([inner]).digest
    // An index called a manifest is refused.
    let isManifests = type?.contains("manifest") ?? false
    let entries = [
      OddIndexTests.entry(image.manifest, of: image, type: type),
      OddIndexTests.entry(nested, of: image, type: isManifests ? nil : type),
    ]
    let root = try image.addIndex(entries, type: index)
    let bench = try await Self.prunedNothing(of: image, root.digest)
    for digest in image.manifests.keys { #expect(bench.store.document(digest) != nil) }
  }

  @Test("a blob that is called a document is none, and a document that is a blob elsewhere is one")
  func roles() async throws {
    var image = try FakeImage(layers: [Self.layer])
    let (_, bytes) = try #require(image.manifests[image.manifest])
    // A layer that is another image's manifest, and one that is called an index.
    let first = image.manifest
    image.blobs[first] = bytes
    let outer = try OddIndexTests.add("linux/arm64", to: &image) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["mediaType"] = MediaType.ociIndex.rawValue
      layers.append(["mediaType": "", "digest": "\(first)", "size": bytes.count])
      document["layers"] = layers
    }
    let inner = OddIndexTests.entry(image.manifest, of: image)
    let nested = try image.addIndex([inner]).digest
    for order in [[nested, outer], [outer, nested]] {
      let entries = order.map { OddIndexTests.entry($0, of: image, type: nil) }
      let root = try image.addIndex(entries)
      _ = try await Self.prunedNothing(of: image, root.digest)
    }
  }

  /// Pulls all platforms of an index, and expects that a prune then takes nothing, and every blob
  /// is still there.
  private static func prunedNothing(of image: FakeImage, _ root: Digest) async throws -> Bench {
    var image = image
    image.tags["latest"] = root
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    try await bench.pull(request)
    #expect(try prune(bench.store).blobs == 0)
    for (digest, bytes) in image.blobs { #expect(bench.store.document(digest) == Data(bytes)) }
    return bench
  }

  @Test("what was passed over keeps no image from being pruned around")
  func passedOver() async throws {
    var image = try FakeImage(layers: [Self.layer])
    let gone = try Digest("sha256:" + String(repeating: "d", count: 64))
    let attestation: [String: Any] = ["annotations": ["vnd.docker.reference.type": "x"]]
    let root = try image.addIndex([
      OddIndexTests.entry(image.manifest, of: image),
      OddIndexTests.entry(gone, of: image, attestation),
      OddIndexTests.entry(gone, of: image, type: "application/vnd.oci.image.layer.v1.tar"),
      ["mediaType": 5, "digest": "\(gone)", "size": 7], ["digest": 5],
    ])
    image.tags["latest"] = root.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    #expect(try await bench.pull(request).imageDigest == root.digest)
    // An attestation has the right type: it is gone.
    let words = bench.display.warnings
    #expect(words.contains { $0.contains("passed over: \(registry.host) has no manifest o/n@") })
    #expect(words.contains { $0.hasSuffix("its type is application/vnd.oci.image.layer.v1.tar") })
    #expect(try Self.prune(bench.store).blobs == 0)
    // What is named has nothing that is not there.
    let named = try #require(try bench.store.index().manifests.first)
    let data = try #require(bench.store.document(named.digest))
    guard case .index(let index) = try ImageDocument.parse(data, contentType: nil) else { return }
    #expect(index.entries.map { $0?.digest } == [image.manifest])
  }
}
