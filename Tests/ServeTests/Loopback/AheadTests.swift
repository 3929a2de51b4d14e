import OCI
import Serve
import Store
import Support
import Testing

@testable import Serve

@Suite("Blobs ahead of need", .timeLimit(.minutes(1)))
struct AheadTests {
  @Test("a manifest that was asked for starts its blobs, once, and one that was looked at does not")
  func begins() async throws {
    let image = try FakeImage(layers: [
      Content.bytes(300_000, seed: 1), Content.bytes(200_000, seed: 2),
    ])
    let registry = try FakeRegistry(image)
    let post = try await Post(registry.host)
    _ = try await post.get("manifests/latest", method: "HEAD")
    #expect(registry.blobRequests.isEmpty)
    _ = try await post.get("manifests/latest")
    _ = try await post.get("manifests/latest")
    for digest in image.blobs.keys {
      try await eventually { post.store.size(of: digest) != nil }
    }
    for digest in image.layers {
      #expect(try await post.get("blobs/\(digest)").body == image.blobs[digest])
    }
    let bytes = registry.blobRequests.compactMap { $0.range?.count }.filter { $0 > 1 }
    #expect(bytes.reduce(0, +) <= image.blobs.values.reduce(0) { $0 + $1.count })
    await post.end()
  }

  @Test(
    "an image is let go when nobody has asked for a while, and not while one of its blobs is read",
    arguments: [(0, 9, false), (0, 10, true), (0, 99, true), (1, 99, false)])
  func isOver(readers: Int, seconds: Int, isOver: Bool) {
    let start = ContinuousClock.now
    var image = Ahead.Image(blobs: [:], lastInterest: start)
    image.readers = readers
    let now = start + .seconds(seconds)
    #expect(image.isOver(now: now, patience: .seconds(10)) == isOver)
  }
}
