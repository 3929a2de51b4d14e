import Foundation
import OCI
import Registry
import Support
import Synchronization
import Testing

@testable import Serve

/// Answers that are in memory, and callers that do not take them.
@Suite("Answers that are held", .timeLimit(.minutes(10)))
struct HeldAnswerTests {
  /// A manifest with so many bytes of annotations.
  static func manifest(_ bytes: Int) -> [UInt8] {
    let digest = String(repeating: "a", count: 64)
    let note = String(repeating: "x", count: bytes)
    return Array(
      #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#.utf8)
      + Array(
        #""config":{"mediaType":"application/vnd.oci.image.config.v1+json","#.utf8)
      + Array(
        #""digest":"sha256:\#(digest)","size":2},"layers":[],"annotations":{"a":"\#(note)"}}"#.utf8)
  }

  static func registry(_ answer: @escaping @Sendable () -> Reply) throws -> RawServer {
    try RawServer { _ in answer() }
  }

  @Test("a list for which there is no room is not asked for, and its caller may come again")
  func noRoom() async throws {
    let gate = Gate()
    let registry = try Self.registry {
      gate.pass()
      return .ok(#"{"name":"o/n","tags":["a"]}"#)
    }
    let post = try await Post(registry.host, room: AnswerRoom(limit: RepositoryClient.pageLimit))
    async let first = post.get("tags/list")
    try await eventually { registry.requests.count == 1 }
    let second = try await post.get("tags/list?n=2")
    #expect(second.status == 503 && second.fields["retry-after"] == "5")
    #expect(second.text.contains("UNAVAILABLE"))
    #expect(registry.requests.count == 1)
    gate.open()
    #expect(try await first.text == #"{"name":"o/n","tags":["a"]}"#)
    // The room is free once the server has noticed that the first answer is gone.
    try await eventually { try await post.get("tags/list?n=2").status == 200 }
    await post.end()
  }

  @Test("a blob that passes through has a piece in memory, and who finds no room may come again")
  func passing() async throws {
    let gate = Gate()
    let blob = Content.bytes(1_500_000, seed: 1)
    let image = try FakeImage(layers: [blob])
    let registry = try FakeRegistry(image) { request in
      if request.range != nil, !request.isGlimpse { gate.pass() }
      return nil
    }
    let room = AnswerRoom(limit: 256 << 10)
    let post = try await Post(registry.host, room: room, cacheLimit: 1 << 20)
    let first = try post.wire()
    first.ask("/v2/\(post.registry)/o/n/blobs/\(image.layers[0])")
    try await eventually { registry.blobRequests.contains { $0.range != nil && !$0.isGlimpse } }
    let second = try await post.get("blobs/\(image.layers[0])")
    #expect(second.status == 503 && second.fields["retry-after"] == "5")
    // Nothing is ahead where there is room for one.
    #expect(registry.blobRequests.count { $0.range != nil && !$0.isGlimpse } == 1)
    #expect(room.held == 256 << 10)
    gate.open()
    #expect(try await first.answer().body == blob)
    try await eventually { try await post.get("blobs/\(image.layers[0])").body == blob }
    try await eventually { room.held == 0 }
    await post.end()
  }

  @Test("a piece of a blob that passes through is asked for again as a pull's is")
  func passesOverTrouble() async throws {
    let blob = Content.bytes(1_500_000, seed: 1)
    let image = try FakeImage(layers: [blob])
    let failed = Log<Int>()
    let registry = try FakeRegistry(image) { request in
      guard let start = request.range?.lowerBound, start > 500_000, !failed.all.contains(start)
      else { return nil }
      failed.add(start)
      return .status(503)
    }
    let post = try await Post(registry.host, cacheLimit: 1 << 20)
    #expect(try await post.get("blobs/\(image.layers[0])").body == blob)
    #expect(failed.all.count > 1)
    await post.end()
  }

  @Test(
    "what upstream says in place of a blob that passes through is the answer",
    arguments: [401, 404, 429, 503])
  func passesOnRefusals(status: Int) async throws {
    let image = try FakeImage(layers: [Content.bytes(1_500_000, seed: 1)])
    let isUp = Mutex(true)
    let registry = try FakeRegistry(image) { request in
      request.target.contains("/blobs/") && !isUp.withLock { $0 } ? .status(status) : nil
    }
    let post = try await Post(registry.host, cacheLimit: 1 << 20)
    // Upstream has said of the blob that the caller may have it, and how long it is.
    #expect(try await post.get("blobs/\(image.layers[0])", method: "HEAD").status == 200)
    isUp.withLock { $0 = false }
    let answer = try await post.get("blobs/\(image.layers[0])")
    #expect(answer.status >= 400 && answer.text.contains("errors"))
    await post.end()
  }

  @Test("a list of more bytes than clients take is an error, and a large one comes whole")
  func large() async throws {
    let tags = #""\#(String(repeating: "a", count: 60))","#
    let whole = #"{"tags":[\#(String(repeating: tags, count: 60_000))"b"]}"#
    let registry = try RawServer { request in
      .ok(request.target.contains("n=1") ? whole : whole + whole)
    }
    let post = try await Post(registry.host)
    #expect(try await post.get("tags/list?n=1").text == whole)
    #expect(try await post.get("tags/list").status == 502)
    await post.end()
  }

  @Test("a large manifest is given from the disk, and needs room only where it is not there")
  func manifests() async throws {
    let manifest = Self.manifest(1 << 20)
    let registry = try Self.registry {
      .response(
        200, [("Content-Type", "application/vnd.oci.image.manifest.v1+json")], manifest)
    }
    for limit in [nil, 1 << 10 as Int64] {
      let post = try await Post(registry.host, room: AnswerRoom(limit: 0), cacheLimit: limit)
      let answer = try await post.get("manifests/latest")
      #expect(answer.status == (limit == nil ? 200 : 503))
      if limit == nil { #expect(answer.body == manifest) }
      await post.end()
    }
    let post = try await Post(registry.host, cacheLimit: 1 << 10)
    #expect(try await post.get("manifests/latest").body == manifest)
    await post.end()
  }
}
