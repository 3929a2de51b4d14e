import Foundation
import OCI
import Support
import Testing

@testable import Serve

/// Callers that close their side of a connection once they have asked, as `nc -N` does.
@Suite("Half-closed callers", .timeLimit(.minutes(10)))
struct HalfClosedTests {
  @Test(
    "whoever sends no more gets the whole answer, and then the connection's end",
    arguments: ["", "manifests/latest", "tags/list", "blobs/0", "referrers/0"], [false, true])
  func answered(target: String, isLocal: Bool) async throws {
    let (post, _, image) = try await FrontTests.post()
    let path = post.folder("s")
    try await post.server.listen(at: .path(path))
    let named = target.replacing("/0", with: "/\(image.layers[0])")
    let whole = try await post.get(named)
    let wire = isLocal ? try Wire(path: path) : try post.wire()
    wire.ask(target.isEmpty ? "/v2/" : "/v2/\(post.registry)/o/n/\(named)")
    wire.halfClose()
    let answer = try await wire.answer()
    #expect(answer.isWhole)
    let isSame =
      answer.status == whole.status && answer.fields["content-type"] == whole.fields["content-type"]
    if !target.isEmpty { #expect(isSame && (whole.status != 200 || answer.body == whole.body)) }
    #expect(await wire.read(1).isEmpty)
    await post.end()
  }

  @Test("a blob on its way is streamed to its end, whenever the caller closes his side")
  func streamed() async throws {
    for isBegun in [false, true] {
      let image = try FakeImage(layers: [Content.bytes(1_500_000, seed: 4)])
      let bytes = try #require(image.blobs[image.layers[0]])
      let (first, rest) = (Gate(), Gate())
      let registry = try FakeRegistry(image) { request in
        if request.target.contains("/blobs/") {
          first.pass()
          if let range = request.range, range.lowerBound >= 512 << 10 { rest.pass() }
        }
        return nil
      }
      let post = try await Post(registry.host)
      let wire = try post.wire()
      wire.ask("/v2/\(post.registry)/o/n/blobs/\(image.layers[0])")
      if isBegun {
        first.open()
        #expect(try await wire.head().status == 200)
        wire.halfClose()
      } else {
        wire.halfClose()
        #expect(try await wire.head().status == 100)
        first.open()
        #expect(try await wire.head().status == 200)
      }
      #expect(await wire.read(512 << 10) == Array(bytes.prefix(512 << 10)))
      rest.open()
      let end = await wire.read(bytes.count)
      #expect(end == Array(bytes[(512 << 10)...]))
      try await post.ended(1)
      #expect(post.records.all[0].isComplete)
      await post.end()
    }
  }

  @Test("whoever waits for leave to send a body gets it, and the answer behind it")
  func expecting() async throws {
    let (post, _, _) = try await FrontTests.post()
    for (target, method, status) in [
      ("/v2/", "GET", 200), ("/v2/h/o/n/blobs/uploads/", "POST", 405),
    ] {
      let wire = try post.wire()
      wire.ask(target, method: method, ["Expect": "100-Continue", "Content-Length": "3"])
      #expect(try await wire.head().status == 100)
      wire.send("abc")
      #expect(try await wire.head().status == status)
    }
    await post.end()
  }

  @Test("all requests that came before the end are answered")
  func pipelined() async throws {
    let (post, _, image) = try await FrontTests.post()
    let wire = try post.wire()
    for target in ["manifests/latest", "blobs/\(image.layers[0])", "manifests/latest"] {
      wire.ask("/v2/\(post.registry)/o/n/\(target)")
    }
    wire.halfClose()
    for length in [nil, 300_000, nil] {
      let answer = try await wire.answer()
      #expect(answer.status == 200 && answer.isWhole)
      if let length { #expect(answer.body.count == length) }
    }
    #expect(await wire.read(1).isEmpty)
    await post.end()
  }

  @Test("a client of HTTP/1.0 gets no answer before its own")
  func old() async throws {
    let gate = Gate()
    let (post, _, _) = try await FrontTests.post { request in
      gate.pass()
      return nil
    }
    let wire = try post.wire()
    wire.send("GET /v2/\(post.registry)/o/n/manifests/latest HTTP/1.0\r\nHost: localhost\r\n\r\n")
    wire.halfClose()
    gate.open()
    #expect(try await wire.head().status == 200)
    await post.end()
  }

  @Test("without a whole request the connection ends", arguments: ["", "GET /v2/ HT", "\r\n"])
  func nothing(sent: String) async throws {
    let (post, _, _) = try await FrontTests.post()
    let wire = try post.wire()
    wire.send(sent)
    wire.halfClose()
    let said = String(decoding: await wire.read(1_000), as: UTF8.self)
    #expect(said.isEmpty || said.contains(" 400 "), "\(said)")
    await post.end()
  }

  @Test(
    "who closes all of the connection is noticed while upstream says nothing",
    arguments: ["blobs/0", "manifests/latest", "tags/list"], [1, 3])
  func gone(target: String, requests: Int) async throws {
    let gate = Gate()
    let (post, registry, image) = try await FrontTests.post { _ in
      gate.pass()
      return nil
    }
    let path = "/v2/\(post.registry)/o/n/" + target.replacing("/0", with: "/\(image.layers[0])")
    for _ in 0..<20 {
      let wire = try post.wire()
      for _ in 0..<requests { wire.ask(path) }
      wire.leave()
    }
    let looks = try post.wire()
    try await eventually {
      looks.ask("/metrics")
      return try await looks.answer().text.contains("\ncairn_connections 1\n")
    }
    // As many as can have gone out before it was noticed.
    #expect(registry.server.requests.count <= 20)
    #expect(post.records.all.allSatisfy { $0.target == "/metrics" || !$0.isComplete })
    gate.open()
    await post.end()
  }
}
