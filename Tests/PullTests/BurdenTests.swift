import Foundation
import OCI
import Pull
import Store
import Support
import Testing

/// Documents and words that are too large for those who read them again.
@Suite("Burdens", .timeLimit(.minutes(10)), .serialized)
struct BurdenTests {
  @Test(
    "a document that would be too large in OCI's words stays as it was served, and can be pruned",
    arguments: [false, true])
  func tooLarge(isIndex: Bool) async throws {
    var image = try FakeImage(layers: [PruneTests.layer])
    // A little less than the limit, and a little more in OCI's words.
    func padded(_ document: [String: Any]) throws -> [UInt8] {
      var document = document
      document["annotations"] = ["a": ""]
      let count = Int(ContentStore.documentLimit) - 5 - (try FakeImage.encode(document).count)
      document["annotations"] = ["a": String(repeating: "x", count: count)]
      return try FakeImage.encode(document)
    }
    let bytes: [UInt8]
    if isIndex {
      let entry = OddIndexTests.entry(image.manifest, of: image, type: "text/plain")
      bytes = try padded(["schemaVersion": 2, "manifests": [entry]])
    } else {
      let (_, served) = try #require(image.manifests[image.manifest])
      var document = try #require(
        try JSONSerialization.jsonObject(with: Data(served)) as? [String: Any])
      var config = document["config"] as? [String: Any] ?? [:]
      config["mediaType"] = "text/plain"
      document["config"] = config
      bytes = try padded(document)
    }
    let digest = try Digest.of(bytes)
    image.manifests[digest] = (isIndex ? .ociIndex : .ociManifest, bytes)
    image.tags["latest"] = digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    #expect(try await bench.pull(request).imageDigest == digest)
    #expect(bench.display.warnings.contains { $0.contains("4.0 MiB") }, "\(bench.display.warnings)")
    #expect(try PruneTests.prune(bench.store).blobs == 0)
    #expect(try bench.store.index().manifests.map(\.digest) == [digest])
    // And the registry's copy is known again.
    try await bench.pull(request)
  }

  @Test("nothing that a registry says of an image fills the index of names", arguments: 0..<5)
  func burdens(number: Int) async throws {
    let long = String(repeating: "x", count: 3 << 20)
    let platform: [String: Any] = ["os": "linux", "architecture": "amd64"]
    let entries: [[String: Any]] = [
      ["artifactType": "application/vnd.oci.image.config.v1+json;\(long)"],
      ["annotations": ["a": long]], ["urls": [long]],
      ["platform": platform.merging(["os.features": [long]]) { $1 }],
      ["platform": platform.merging(["os.version": long]) { $1 }],
    ]
    var image = try FakeImage(layers: [PruneTests.layer])
    let wanted = image.manifest
    let index = try image.addIndex([
      OddIndexTests.entry(
        wanted, of: image, ["platform": platform].merging(entries[number]) { $1 })
    ])
    image.tags["latest"] = index.digest
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [try OutputTarget("oci:\(bench.folder("out"))")]
    #expect(try await bench.pull(request).imageDigest == wanted)
    for layout in [bench.store.root, bench.folder("out")] {
      #expect(try readFile(layout + "/index.json").count < 16 << 10)
    }
  }
}
