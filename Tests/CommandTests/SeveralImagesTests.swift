import Foundation
import OCI
import Support
import Testing

@Suite("Several images in one run", .timeLimit(.minutes(3)))
struct SeveralImagesTests {
  private let cairn: Command
  /// Two images of one registry and one of another, with a layer that all of them have.
  private let near: FakeImage
  private let far: FakeImage
  private let common: Digest

  init() throws {
    cairn = try Command()
    let shared = Content.bytes(700_000, seed: 1)
    func image(_ own: UInt64, _ tag: String) throws -> FakeImage {
      try FakeImage(layers: [shared, Content.bytes(90_000, seed: own)], tag: tag)
    }
    var both = try image(2, "a")
    let other = try image(3, "b")
    both.blobs.merge(other.blobs) { $1 }
    both.manifests.merge(other.manifests) { $1 }
    both.tags.merge(other.tags) { $1 }
    near = both
    far = try image(4, "c")
    common = far.layers[0]
  }

  private func lines(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
  }

  @Test("each blob comes once, from one registry, and every image is there")
  func once() async throws {
    let (first, second) = (try FakeRegistry(near), try FakeRegistry(far))
    let names = ["\(first.host)/o/n:a", "\(first.host)/o/n:b", "\(second.host)/o/n:c"]
    let outcome = try await Command.finish(
      cairn.process(["pull"] + names + ["--plain-http", "--progress", "json", "--explain"]))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let askers = [first, second].filter { registry in
      registry.blobRequests.contains { $0.target.contains(common.hex) }
    }
    #expect(askers.count == 1)
    let ends = try lines(outcome.output).filter { $0["event"] as? String == "finished" }
    #expect(Set(ends.compactMap { $0["reference"] as? String }) == Set(names))
    let sizes = near.blobs.merging(far.blobs) { $1 }.values.reduce(0) { $0 + $1.count }
    #expect(ends.reduce(0) { $0 + ($1["bytesFetched"] as? Int ?? 0) } == sizes)
    // One pool a registry, whatever it is for.
    #expect(outcome.errors.split(separator: "\n").count { $0.contains("policy climb:") } == 2)
    let list = try await cairn("store", "list")
    for name in names { #expect(list.output.contains(name)) }
  }

  @Test("a file names images, one a line, with comments")
  func fromFile() async throws {
    let registry = try FakeRegistry(near)
    let file = cairn.folder("images.txt")
    try """
    # what the cluster needs
    \(registry.host)/o/n:a
      \(registry.host)/o/n:b   # and this

    \(registry.host)/o/n:a
    """.write(toFile: file, atomically: true, encoding: .utf8)
    let outcome = try await cairn("pull", "--from", file, "--plain-http", "-q")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let expected = ["a", "b"].map {
      "\(near.tags[$0]?.description ?? "") \(registry.host)/o/n:\($0)"
    }
    #expect(outcome.output.split(separator: "\n").map(String.init) == expected)
  }

  @Test("one that cannot be had keeps none of the others away, and is named")
  func oneFails() async throws {
    let registry = try FakeRegistry(near)
    let names = ["\(registry.host)/o/n:none", "\(registry.host)/o/n:b"]
    let outcome = try await Command.finish(cairn.process(["pull"] + names + ["--plain-http"]))
    #expect(outcome.status == 66)
    #expect(outcome.errors.contains("1 of 2 images were not pulled"))
    #expect(outcome.errors.contains(names[0]))
    let list = try await cairn("store", "list")
    #expect(list.output.contains(names[1]) && !list.output.contains(names[0]))
  }

  @Test(
    "what makes no sense for several is said before anything is asked",
    arguments: [
      (["--output", "oci:/tmp/never"], "--output takes one image"),
      (["--trace", "/tmp/never"], "--trace takes images of one registry"),
    ])
  func refused(arguments: [String], words: String) async throws {
    let outcome = try await Command.finish(
      cairn.process(["pull", "127.0.0.1:1/x", "127.0.0.1:2/x"] + arguments))
    #expect(outcome.status == 64 && outcome.errors.contains(words), "\(outcome.errors)")
    let empty = try await cairn("pull", "--from", "/dev/null")
    #expect(empty.status == 64 && empty.errors.contains("no image is named"))
  }
}
