import Foundation
import OCI
import Serve
import Store
import Support
import Testing

@testable import Serve

@Suite("Blobs ahead of need", .timeLimit(.minutes(10)))
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
    // A second fetch were twice a blob's bytes; a busy machine may have one segment asked for again.
    for (digest, blob) in image.blobs {
      let asked = registry.blobRequests.filter { $0.target.contains("\(digest)") }
      let bytes = asked.compactMap { $0.range?.count }.filter { $0 > 1 }
      #expect(bytes.reduce(0, +) < 2 * blob.count)
    }
    await post.end()
  }

  @Test("of a manifest that names more than any image can have, only so many blobs come ahead")
  func endless() async throws {
    let image = try FakeImage(layers: [Content.bytes(10, seed: 1)]) { document in
      let layer = (document["layers"] as? [[String: Any]])?.first ?? [:]
      document["layers"] = (0..<700).map { number in
        let hex = String(repeating: "0", count: 60) + "\(1000 + number)"
        return layer.merging(["digest": "sha256:\(hex)"]) { $1 }
      }
    }
    let registry = try FakeRegistry(image)
    let post = try await Post(registry.host)
    #expect(try await post.get("manifests/latest").status == 200)
    // The configuration comes first, and layers are asked for in their order: nobody has them.
    func asked(_ number: Int) -> Bool {
      registry.blobRequests.contains { $0.target.hasSuffix("\(1000 + number)") }
    }
    let last = try Digest("sha256:" + String(repeating: "0", count: 60) + "1510")
    try await eventually { asked(510) }
    try await eventually { await !post.downloads.isWanted(last) }
    #expect((511..<700).allSatisfy { !asked($0) })
    await post.end()
  }

  /// What comes of a blob that a manifest claims to be large.
  enum Claimed: CaseIterable, Sendable {
    case missing
    case silent
    case oneByte
  }

  @Test(
    "what a manifest only claims pushes nothing out of the cache, whoever's it is",
    arguments: Claimed.allCases, [true, false])
  func claims(claimed: Claimed, isNamed: Bool) async throws {
    let image = try FakeImage(layers: [Content.bytes(500_000, seed: 6)])
    let empty = try FakeImage(layers: [Content.bytes(10, seed: 7)]) { document in
      let layer = (document["layers"] as? [[String: Any]])?.first ?? [:]
      document["layers"] = (0..<3).map { number in
        let hex = String(repeating: "0", count: 60) + "\(1000 + number)"
        return layer.merging(["digest": "sha256:\(hex)", "size": 900_000]) { $1 }
      }
    }
    let asked = Log<String>()
    let claimer: @Sendable (ServedRequest) -> Reply? = { request in
      guard request.target.contains("/e/x/") else { return nil }
      guard request.target.contains("/blobs/sha256:0000") else {
        return FakeRegistry.answer(request, empty)
      }
      asked.add(request.target)
      switch claimed {
      case .missing: return .status(404)
      case .silent: return .raw([], .hang)
      case .oneByte:
        let head = Reply.head(
          206, length: 12 << 10, [("Content-Range", "bytes 0-12287/900000")])
        return .raw(head + [7], .hang)
      }
    }
    let registry = try FakeRegistry(image, fault: claimer)
    let stranger = try RawServer { claimer($0) ?? .status(404) }
    let post = try await Post(
      registry.host, strangers: [stranger.host], cacheLimit: 1_000_000)
    let layer = image.layers[0]
    #expect(try await post.get("blobs/\(layer)").body == image.blobs[layer])
    let fetched = registry.blobRequests.count { $0.target.hasSuffix("\(layer)") }
    let claims = try await post.get(
      "manifests/latest", at: isNamed ? nil : stranger.host, in: "e/x")
    #expect(claims.status == 200)
    let last = asked.all.count
    try await eventually { asked.all.count > last || !asked.all.isEmpty }
    if claimed == .missing { try await eventually { Set(asked.all).count == 3 } }
    #expect(post.store.size(of: layer) == 500_000)
    #expect(try await post.get("blobs/\(layer)").body == image.blobs[layer])
    #expect(registry.blobRequests.count { $0.target.hasSuffix("\(layer)") } == fetched)
    await post.end()
  }

  @Test("what is ahead and sends nothing gives way to whoever reads something")
  func givesWay() async throws {
    let image = try FakeImage(layers: [Content.bytes(500_000, seed: 8)])
    let silent = try FakeImage(layers: [Content.bytes(800_000, seed: 9)])
    let registry = try RawServer { request in
      guard request.target.contains("/silent/n/") else {
        return FakeRegistry.answer(request, image)
      }
      return request.target.contains("/blobs/")
        ? .raw([], .hang) : FakeRegistry.answer(request, silent)
    }
    let post = try await Post(registry.host, cacheLimit: 1_000_000)
    #expect(try await post.get("manifests/latest", in: "silent/n").status == 200)
    try await eventually { registry.requests.contains { $0.target.contains("/silent/n/blobs/") } }
    let layer = image.layers[0]
    // Whoever finds it in the way is given his blob without its being kept.
    try await eventually {
      let answer = try await post.get("blobs/\(layer)")
      #expect(answer.body == image.blobs[layer])
      return post.store.size(of: layer) == 500_000
    }
    await post.end()
  }

  @Test("what upstream begins to send comes ahead into a cache that is full of older blobs")
  func makesRoom() async throws {
    let images = try (0..<2).map { number in
      try FakeImage(layers: [Content.bytes(500_000, seed: UInt64(20 + number))])
    }
    let registry = try RawServer { request in
      FakeRegistry.answer(request, images[request.target.contains("/second/n/") ? 1 : 0])
    }
    let post = try await Post(registry.host, cacheLimit: 700_000)
    let layers = images.map { $0.layers[0] }
    let answer = try await post.get("blobs/\(layers[0])", in: "first/n")
    #expect(answer.body == images[0].blobs[layers[0]])
    #expect(try await post.get("manifests/latest", in: "second/n").status == 200)
    try await eventually { post.store.size(of: layers[1]) == 500_000 }
    #expect(post.store.size(of: layers[0]) == nil, "both have no room")
    await post.end()
  }

  @Test(
    "an image is let go when nobody has asked for a while, and not while one of its blobs is read",
    arguments: [(0, 9, false), (0, 10, true), (0, 99, true), (1, 99, false)])
  func isOver(readers: Int, seconds: Int, isOver: Bool) {
    let start = ContinuousClock.now
    var image = Ahead.Image(blobs: [], lastInterest: start)
    image.readers = readers
    let now = start + .seconds(seconds)
    #expect(image.isOver(now: now, patience: .seconds(10)) == isOver)
  }

  /// Streams blobs that it does not have yet: no length, no ranges.
  private func streaming(_ images: [FakeImage]) throws -> RawServer {
    try RawServer { request in
      var whole = request
      whole.fields = []
      let replies = images.lazy.map { FakeRegistry.answer(whole, $0) }
      let reply = replies.first {
        if case .response(200, _, _) = $0 { true } else { false }
      }
      guard request.target.contains("/blobs/"), case .response(_, _, let body)? = reply else {
        return reply ?? .status(404)
      }
      let head = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"
      let chunk = Array((head + String(body.count, radix: 16) + "\r\n").utf8) + body
      return .raw(chunk + Array("\r\n0\r\n\r\n".utf8), .keep)
    }
  }

  /// What a caller does before he asks for an image's blobs.
  enum Before: Sendable, CaseIterable {
    /// The manifest is of something that is no image: nothing of it is fetched ahead.
    case artifact
    /// The same manifest was asked for in another repository first.
    case otherRepository
    /// So many images are fetched ahead that this one is not.
    case manyImages
    /// He asks for the manifest by digest, which is in the cache.
    case cached
  }

  @Test(
    "how large a blob is, its manifest says where the registry does not, whatever is fetched ahead",
    arguments: Before.allCases)
  func sizeByManifest(before: Before) async throws {
    let image = try FakeImage(layers: [Content.bytes(30_000, seed: 3)]) { document in
      guard before == .artifact else { return }
      document["artifactType"] = "application/vnd.example.thing"
    }
    let others =
      before == .manyImages
      ? try (0..<32).map { number in
        try FakeImage(layers: []) { $0["annotations"] = ["number": "\(number)"] }
      } : []
    let registry = try streaming([image] + others)
    let post = try await Post(registry.host)
    func ask(_ target: String, in repository: String) async throws -> WireAnswer {
      let wire = try post.wire()
      wire.ask("/v2/\(post.registry)/\(repository)/\(target)")
      return try await wire.answer()
    }
    for other in others {
      #expect(try await ask("manifests/\(other.manifest)", in: "o/n").status == 200)
    }
    if before == .otherRepository || before == .cached {
      _ = try await ask("manifests/\(image.manifest)", in: "o/first")
    }
    for _ in 0..<(before == .cached ? 2 : 1) {
      #expect(try await ask("manifests/\(image.manifest)", in: "o/n").status == 200)
    }
    for digest in image.layers {
      let answer = try await ask("blobs/\(digest)", in: "o/n")
      #expect(answer.status == 200 && answer.body == image.blobs[digest])
    }
    await post.end()
  }

  @Test(
    "a size that upstream makes up while the blob is on its way gives nobody a part for all of it")
  func madeUpSize() async throws {
    let image = try FakeImage(layers: [Content.bytes(100_000, seed: 5)])
    let (layer, gate) = (image.layers[0], Gate())
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("/blobs/") else { return nil }
      if request.target.contains("/o/m/") {
        return .response(206, [("Content-Range", "bytes 0-0/1")], [7])
      }
      if !request.isGlimpse { gate.pass() }
      return nil
    }
    let post = try await Post(registry.host, firstBytesPatience: .zero)
    let (first, second) = (try post.wire(), try post.wire())
    first.ask("/v2/\(post.registry)/o/n/blobs/\(layer)")
    try await eventually { registry.blobRequests.contains { !$0.isGlimpse } }
    second.ask("/v2/\(post.registry)/o/m/blobs/\(layer)")
    try await eventually { registry.blobRequests.contains { $0.target.contains("/o/m/") } }
    gate.open()
    let answer = try? await second.answer()
    #expect(answer?.status != 200 || answer?.isWhole != true)
    #expect(try await first.answer().body == image.blobs[layer])
    await post.end()
  }

  @Test("a size that turned out to be none is forgotten, and one manifest's says nothing elsewhere")
  func sizesAreOfRepositories() throws {
    let image = try FakeImage(layers: [Content.bytes(30, seed: 4)])
    let found = try #require(image.manifests[image.manifest])
    guard
      case .manifest(let manifest) = try ImageDocument.parse(Data(found.bytes), contentType: nil)
    else {
      Issue.record("no manifest")
      return
    }
    let here = try #require(Upstream(["r.example", "o", "n"], query: ""))
    let elsewhere = try #require(Upstream(["r.example", "o", "m"], query: ""))
    let sizes = NamedBlobs(capacity: 4)
    sizes.note(manifest, as: image.manifest, in: here)
    #expect(sizes.size(of: image.layers[0], in: here) == 30)
    #expect(sizes.size(of: image.layers[0], in: elsewhere) == nil)
    sizes.forgetSize(of: image.layers[0], in: here)
    #expect(sizes.size(of: image.layers[0], in: here) == nil)
    #expect(sizes.manifest(naming: image.layers[0], in: here) == image.manifest)
    #expect(sizes.manifest(naming: image.layers[0], in: elsewhere) == nil)
  }
}
