import Foundation
import OCI
import Support
import Testing

/// Blobs of registries that refuse ranges, or bend them, and have all of a blob for who asks for that.
@Suite("Registries without ranges, through the service", .timeLimit(.minutes(10)))
struct RangelessTests {
  /// What a registry makes of a range.
  struct Whim: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let answer: @Sendable (ServedRequest, [UInt8]) -> Reply

    init(_ words: String, _ answer: @escaping @Sendable (ServedRequest, [UInt8]) -> Reply) {
      (testDescription, self.answer) = (words, answer)
    }
  }

  static let refusals = [202, 204, 206, 304, 400, 401, 403, 404, 405, 416, 429, 500, 501, 503].map {
    status in Whim("\(status)") { _, _ in .status(status) }
  }

  static let whims =
    refusals + [
      Whim("it hangs up") { _, _ in .raw([], .close) },
      Whim("429 with Retry-After") { _, _ in .status(429, [("Retry-After", "1")]) },
      Whim("the size is a star") { request, bytes in
        part(of: bytes, request, size: "*")
      },
      Whim("the part comes with 200") { request, bytes in
        part(of: bytes, request, status: 200, size: "\(bytes.count)")
      },
      Whim("the part comes without saying which") { request, bytes in
        guard let range = request.range?.clamped(to: 0..<bytes.count) else { return .ok(bytes) }
        return .response(206, [], Array(bytes[range]))
      },
      Whim("all of it comes, without a length") { _, bytes in
        .raw(Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + bytes, .close)
      },
    ]

  static func part(
    of bytes: [UInt8], _ request: ServedRequest, status: Int = 206, size: String
  ) -> Reply {
    guard let range = request.range?.clamped(to: 0..<bytes.count) else { return .ok(bytes) }
    let place = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
    return .response(status, [("Content-Range", place)], Array(bytes[range]))
  }

  /// A registry with one image of a large and a small layer.
  static func registry(_ whim: Whim) throws -> (FakeImage, FakeRegistry) {
    let image = try FakeImage(layers: [
      Content.bytes(400_000, seed: 7), Content.bytes(3_000, seed: 8),
    ])
    let registry = try FakeRegistry(image) { request in
      guard request["range"] != nil, request.target.contains("/blobs/"),
        let bytes = image.blobs.first(where: { request.target.contains("\($0.key)") })?.value
      else { return nil }
      return whim.answer(request, bytes)
    }
    return (image, registry)
  }

  @Test("whoever asks gets all of a blob, or its head", arguments: whims, ["GET", "HEAD"])
  func whole(whim: Whim, method: String) async throws {
    let (image, registry) = try Self.registry(whim)
    let post = try await Post(registry.host)
    for layer in image.layers {
      let bytes = try #require(image.blobs[layer])
      let answer = try await post.get("blobs/\(layer)", method: method)
      #expect(answer.status == 200, "\(answer.text)")
      #expect(answer.fields["content-length"] == "\(bytes.count)")
      #expect(method == "HEAD" || answer.body == bytes)
    }
    await post.end()
  }

  @Test("a range of it is cut out here", arguments: whims)
  func ranges(whim: Whim) async throws {
    let (image, registry) = try Self.registry(whim)
    let post = try await Post(registry.host)
    let bytes = try #require(image.blobs[image.layers[0]])
    let answer = try await post.get("blobs/\(image.layers[0])", ["Range": "bytes=200000-200099"])
    #expect(answer.status == 206, "\(answer.text)")
    #expect(answer.body == Array(bytes[200_000..<200_100]))
    await post.end()
  }

  @Test("what is refused as a whole, too, stays what it is", arguments: [400, 401, 403, 404, 500])
  func denied(status: Int) async throws {
    let image = try StreamTests.image()
    let registry = try FakeRegistry(image) { request in
      request.target.contains("/blobs/") ? .status(status) : nil
    }
    let post = try await Post(registry.host)
    let answer = try await post.get("blobs/\(image.layers[0])")
    #expect(answer.status == [401: 401, 403: 401, 404: 404][status, default: 502])
    #expect(registry.blobRequests.contains { $0["range"] == nil })
    await post.end()
  }

  @Test("a signed place that refuses ranges gives all of it")
  func elsewhere() async throws {
    let image = try StreamTests.image()
    let (blob, bytes) = (image.layers[0], try #require(image.blobs[image.layers[0]]))
    let storage = try RawServer { request in
      request["range"] == nil
        ? .ok(bytes) : .status(403, [], "<Error><Code>AccessDenied</Code></Error>")
    }
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("/blobs/") else { return nil }
      return .status(307, [("Location", "http://localhost:\(storage.port)/signed")])
    }
    let post = try await Post(registry.host)
    #expect(try await post.get("blobs/\(blob)").body == bytes)
    await post.end()
  }

  @Test(
    "what came gzipped unasked has the size that it has without", arguments: ["gzip", "x-gzip"])
  func gzipped(coding: String) async throws {
    let image = try FakeImage(layers: [
      Array("nothing but text".utf8), Content.bytes(90_000, seed: 3),
    ])
    let registry = try FakeRegistry(image) { request in
      let asked = image.blobs.first { request.target.contains("/blobs/\($0.key)") }
      return asked.map { .ok(GZip.stored($0.value), [("Content-Encoding", coding)]) }
    }
    let post = try await Post(registry.host)
    for layer in image.layers {
      let head = try await post.get("blobs/\(layer)", method: "HEAD")
      #expect(head.fields["content-length"] == image.blobs[layer].map { "\($0.count)" })
      let answer = try await post.get("blobs/\(layer)")
      #expect(answer.status == 200 && answer.body == image.blobs[layer], "\(answer.text)")
    }
    await post.end()
  }

  @Test("a mirror that gives no ranges is asked for all of it while the registry is away")
  func mirror() async throws {
    let image = try StreamTests.image()
    let bytes = try #require(image.blobs[image.layers[0]])
    let mirror = try FakeRegistry(image) { request in
      request["range"] == nil ? nil : .status(400)
    }
    let away = try RawServer { _ in .raw([], .close) }
    away.stop()
    let post = try await Post(away.host, mirrors: [mirror.host])
    let answer = try await post.get("blobs/\(image.layers[0])", method: "HEAD")
    #expect(answer.status == 200 && answer.fields["content-length"] == "\(bytes.count)")
    await post.end()
  }
}
