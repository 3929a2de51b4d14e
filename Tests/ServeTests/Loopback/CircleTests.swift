import Foundation
import Hashing
import OCI
import Serve
import Support
import Testing

@testable import Serve

/// What somebody else said or brings of a blob, and what a caller gets of it.
@Suite("Circles of those who believe each other", .timeLimit(.minutes(10)))
struct CircleTests {
  static let bytes = Content.bytes(300_000, seed: 31)

  /// An answer with wrong bytes of a blob: all that are asked for, or some and then no more.
  static func wrong(_ request: ServedRequest, size: Int = bytes.count, isHeld: Bool) -> Reply {
    let range = request.range.map { $0.clamped(to: 0..<size) } ?? 0..<size
    let head = Reply.head(
      206, length: range.count,
      [("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)")])
    let body = [UInt8](repeating: 69, count: isHeld ? range.count / 2 : range.count)
    return .raw(head + body, isHeld ? .hang : .keep)
  }

  /// A registry that has every blob, begins to send each, and never comes to an end.
  static func stranger(size: Int = bytes.count) throws -> RawServer {
    try RawServer { request in
      guard request.target.contains("/blobs/") else { return .status(404) }
      return wrong(request, size: size, isHeld: !request.isGlimpse)
    }
  }

  @Test(
    "what a registry that nobody named begins to send, or says of a size, no other's caller meets",
    arguments: [bytes.count, bytes.count + 1], [nil, "bytes=5000-"] as [String?])
  func unverified(size: Int, range: String?) async throws {
    let image = try FakeImage(layers: [Self.bytes])
    let registry = try FakeRegistry(image)
    let stranger = try Self.stranger(size: size)
    let post = try await Post(registry.host, strangers: [stranger.host])
    let wire = try post.wire()
    let place = stranger.host.replacing(":", with: "__")
    wire.ask("/v2/\(place)/a/b/blobs/\(image.layers[0])")
    try await eventually { stranger.requests.count { !$0.isGlimpse } >= 1 }
    let fields = range.map { ["Range": $0] } ?? [:]
    for isThere in [true, false] {
      if !isThere { wire.reset() }
      let answer = try await post.get("blobs/\(image.layers[0])", fields)
      #expect(answer.status == (range == nil ? 200 : 206))
      let isRight = answer.body == Array(Self.bytes[(range == nil ? 0 : 5_000)...])
      #expect(isRight, "\(answer.body.count) bytes came")
    }
    await post.end()
  }

  @Test("bytes that a registry nobody named left behind are gone on with by nobody")
  func leftBehind() async throws {
    let image = try FakeImage(layers: [Self.bytes])
    let registry = try FakeRegistry(image)
    let stranger = try Self.stranger()
    let post = try await Post(registry.host, strangers: [stranger.host])
    let wire = try post.wire()
    wire.ask("/v2/\(stranger.host.replacing(":", with: "__"))/a/b/blobs/\(image.layers[0])")
    try await eventually { stranger.requests.count { !$0.isGlimpse } >= 1 }
    wire.reset()
    try await post.ended(1)
    let answer = try await post.get("blobs/\(image.layers[0])", ["Range": "bytes=5000-"])
    let isRight = answer.body == Array(Self.bytes[5_000...])
    #expect(isRight, "\(answer.body.count) bytes came")
    await post.end()
  }

  @Test("a size that a manifest of another repository claims keeps nobody from a blob")
  func claimedSize() async throws {
    let image = try FakeImage(layers: [Self.bytes])
    let liar = try FakeImage(layers: [Content.bytes(10, seed: 1)]) { document in
      document["layers"] = [
        [
          "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "\(image.layers[0])",
          "size": 999,
        ]
      ]
    }
    let registry = try RawServer { request in
      guard request.target.contains("/liar/") else { return FakeRegistry.answer(request, image) }
      if request.target.contains("/manifests/") { return FakeRegistry.answer(request, liar) }
      // What is fetched ahead of need is under way for as long as the other asks.
      return .raw([], .hang)
    }
    let post = try await Post(registry.host)
    #expect(try await post.get("manifests/latest", in: "liar/x").status == 200)
    try await eventually {
      registry.requests.contains { $0.target.contains("/liar/x/blobs/\(image.layers[0])") }
    }
    let answer = try await post.get("blobs/\(image.layers[0])")
    #expect(answer.status == 200)
    let isRight = answer.body == Self.bytes
    #expect(isRight, "\(answer.text.prefix(200))")
    await post.end()
  }

  // MARK: What a registry that nobody named learns

  /// A registry that answers as it likes and says no size.
  static func sizeless() throws -> RawServer {
    try RawServer { request in
      .raw(
        Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nE\r\n".utf8), .close)
    }
  }

  @Test("a size that the cache knows is told to no caller of a registry that nobody named")
  func cachedSize() async throws {
    let image = try FakeImage(layers: [Self.bytes])
    let registry = try FakeRegistry(image)
    let stranger = try Self.sizeless()
    let post = try await Post(registry.host, strangers: [stranger.host])
    #expect(try await post.get("blobs/\(image.layers[0])").isWhole)
    let answer = try await post.get(
      "blobs/\(image.layers[0])", method: "HEAD", at: stranger.host)
    #expect(answer.status == 502)
    #expect(answer.fields["content-length"] != "\(Self.bytes.count)")
    await post.end()
  }

  @Test("a registry that nobody named is asked the same, whatever others brought of a blob")
  func asksTheSame() async throws {
    let image = try FakeImage(layers: [Self.bytes])
    let registry = try FakeRegistry(image)
    for isThere in [false, true] {
      let other = try FakeRegistry(image)
      let post = try await Post(registry.host, strangers: [other.host])
      if isThere {
        #expect(try await post.get("blobs/\(image.layers[0])").isWhole)
      }
      let before = registry.blobRequests.count
      let answer = try await post.get("blobs/\(image.layers[0])", at: other.host)
      #expect(answer.status == 200 && answer.isWhole)
      let isRight = answer.body == Self.bytes
      #expect(isRight)
      #expect(registry.blobRequests.count == before)
      // All of it, and from the beginning with what a first question asks for.
      let asked = other.blobRequests.compactMap(\.range)
      #expect(asked.first == 0..<(12 << 10))
      #expect(RangeSet(asked) == RangeSet(0..<Self.bytes.count))
      // What it has sent itself comes from the cache.
      let all = other.blobRequests.count
      #expect(try await post.get("blobs/\(image.layers[0])", at: other.host).isWhole)
      #expect(other.blobRequests.count == all)
      await post.end()
    }
  }
}
