import Foundation
import OCI
import Serve
import Store
import Support
import Testing

/// What is answered, and how connections live and end.
@Suite("The front of the service", .timeLimit(.minutes(10)))
struct FrontTests {
  static func post(
    _ settings: FrontSettings = .some, fault: @escaping FakeRegistry.Fault = { _ in nil }
  ) async throws -> (Post, FakeRegistry, FakeImage) {
    let image = try FakeImage(layers: [Content.bytes(300_000, seed: 3)], platforms: ["linux/amd64"])
    let registry = try FakeRegistry(image, fault: fault)
    return (try await Post(registry.host, settings: settings), registry, image)
  }

  @Test("a manifest by tag and by digest has its type, digest and length, also for HEAD")
  func manifests() async throws {
    let (post, registry, image) = try await Self.post()
    for name in ["latest", "\(image.manifest)"] {
      for method in ["HEAD", "GET"] {
        let answer = try await post.get("manifests/\(name)", method: method)
        let (type, bytes) = try #require(image.manifests[image.manifest])
        #expect(answer.status == 200)
        #expect(answer.fields["content-type"] == type.rawValue)
        #expect(answer.fields["docker-content-digest"] == "\(image.manifest)")
        #expect(answer.fields["content-length"] == "\(bytes.count)")
        #expect(answer.body == (method == "GET" ? bytes : []))
      }
    }
    // A HEAD stays one, a tag is asked for each time, and by GET until its content was sent; what was granted
    // by its digest is not asked for again.
    let asked = registry.server.requests.map {
      "\($0.method) \($0.target.split(separator: "/").last ?? "")"
    }
    #expect(asked == ["HEAD latest", "HEAD latest", "GET latest"])
    await post.end()
  }

  @Test("the registry is named by ns as well as by the path")
  func namespace() async throws {
    let (post, registry, image) = try await Self.post()
    let wire = try post.wire()
    wire.ask("/v2/o/n/manifests/latest?ns=\(registry.host)")
    #expect(try await wire.answer().fields["docker-content-digest"] == "\(image.manifest)")
    wire.ask("/v2/o/n/manifests/latest?ns=other.example")
    #expect(try await wire.answer().status == 404)
    await post.end()
  }

  @Test(
    "what upstream says is said in the registry's form, in our words",
    arguments: [
      (404, [], 404, "MANIFEST_UNKNOWN"), (401, [], 401, "UNAUTHORIZED"),
      (403, [], 401, "UNAUTHORIZED"), (429, [("Retry-After", "3600")], 429, "TOOMANYREQUESTS"),
      (500, [], 502, "UNAVAILABLE"), (501, [], 502, "UNAVAILABLE"),
      (400, [], 502, "UNAVAILABLE"),
    ] as [(Int, [(String, String)], Int, String)])
  func maps(
    upstream: Int, fields: [(String, String)], status: Int, code: String
  ) async throws {
    let (post, _, _) = try await Self.post { _ in .status(upstream, fields, "<script>") }
    let answer = try await post.get("manifests/latest")
    #expect(answer.status == status)
    #expect(answer.fields["content-type"] == "application/json")
    #expect(answer.text.contains(#""code":"\#(code)""#))
    #expect(!answer.text.contains("<script>") || answer.text.contains("\\"))
    #expect(answer.fields["retry-after"] == (status == 429 ? "3600" : nil))
    await post.end()
  }

  @Test(
    "a blob that upstream begins to deny is answered with what it says",
    arguments: [(429, 429), (501, 502), (404, 404)])
  func mapsBlobs(upstream: Int, status: Int) async throws {
    let (post, _, image) = try await Self.post { request in
      guard request.target.contains("/blobs/"), !request.isGlimpse else { return nil }
      return .status(upstream, upstream == 429 ? [("Retry-After", "3600")] : [])
    }
    // Granted by a look: content is asked for when the answer's head has not gone out.
    #expect(try await post.get("blobs/\(image.layers[0])", method: "HEAD").status == 200)
    #expect(try await post.get("blobs/\(image.layers[0])").status == status)
    await post.end()
  }

  @Test("nothing can be written, and what is not served is not there")
  func refuses() async throws {
    let (post, registry, _) = try await Self.post()
    for method in ["PUT", "POST", "PATCH", "DELETE", "OPTIONS"] {
      let answer = try await post.get("manifests/latest", method: method)
      #expect(answer.status == 405)
      #expect(answer.fields["allow"] == "GET, HEAD")
    }
    for target in ["/", "/v1/", "/v2/x", "/v2/other.example/o/n/manifests/latest"] {
      let wire = try post.wire()
      wire.ask(target)
      #expect(try await wire.answer().status == 404)
    }
    #expect(registry.server.requests.isEmpty)
    await post.end()
  }

  @Test("DNS rebinding and web pages are refused before anything is asked")
  func rebinding() async throws {
    let (post, registry, _) = try await Self.post()
    let target = "/v2/\(post.registry)/o/n/manifests/latest"
    let cases: [(String, [String: String])] = [
      ("evil.example", [:]), ("localhost", ["Origin": "http://localhost"]),
      ("localhost", ["Origin": "null"]), ("localhost", ["Sec-Fetch-Site": "cross-site"]),
    ]
    for (host, fields) in cases {
      let wire = try post.wire()
      wire.ask(target, fields, host: host)
      #expect(try await wire.answer().status == 403)
    }
    #expect(registry.server.requests.isEmpty)
    await post.end()
  }

  @Test("requests that are sent at once are answered one after the other, over one connection")
  func pipelines() async throws {
    let (post, _, image) = try await Self.post()
    let wire = try post.wire()
    for _ in 0..<3 { wire.ask("/v2/\(post.registry)/o/n/blobs/\(image.layers[0])") }
    wire.ask("/v2/")
    for _ in 0..<3 { #expect(try await wire.answer().body == image.blobs[image.layers[0]]) }
    #expect(try await wire.answer().text == "{}")
    await post.end()
  }

  @Test(
    "heads that are too large, or none, end the connection",
    arguments: [
      "GET /v2/ HTTP/1.1\r\nX: " + String(repeating: "x", count: 64 << 10) + "\r\n\r\n",
      "GET /v2/ HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 500) + "\r\n",
      "GET /" + String(repeating: "x", count: 64 << 10) + " HTTP/1.1\r\n\r\n",
      "hello\r\n\r\n", "\u{16}\u{3}\u{1}", "GET /v2/ HTTP/9.9\r\n\r\n",
    ])
  func floods(text: String) async throws {
    let (post, _, _) = try await Self.post()
    let wire = try post.wire()
    wire.send(text)
    let all = await wire.read(1 << 20)
    #expect(!String(decoding: all, as: UTF8.self).hasPrefix("HTTP/1.1 200"))
    #expect(try await post.get("manifests/latest").status == 200)
    await post.end()
  }

  @Test("who sends no head in time, or not all of it, is let go")
  func slowHeads() async throws {
    var settings = FrontSettings.some
    settings.headSeconds = 1
    let (post, _, _) = try await Self.post(settings)
    let wires = try (0..<3).map { _ in try post.wire() }
    wires[1].send("GET /v2/ HT")
    wires[2].send("GET /v2/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")
    for wire in wires { #expect(await wire.read(1).isEmpty) }
    await post.end()
  }

  @Test("draining lets answers under way end, and nobody in")
  func drains() async throws {
    let image = try StreamTests.image()
    let (blob, bytes) = (image.layers[0], try #require(image.blobs[image.layers[0]]))
    let gate = Gate()
    let registry = try StreamTests.registry(image, gate: gate) { $0 >= 256 << 10 }
    let post = try await Post(registry.host)
    let (idle, wire) = (try post.wire(), try post.wire())
    idle.ask("/v2/")
    #expect(try await idle.answer().status == 200)
    wire.ask("/v2/\(post.registry)/o/n/blobs/\(blob)")
    _ = try await wire.head()
    let drained = Task { await post.server.drain(patience: .seconds(50)) }
    #expect(await idle.read(1).isEmpty)
    #expect(throws: (any Error).self) { try post.wire() }
    gate.open()
    #expect(await wire.read(bytes.count) == bytes)
    #expect(await wire.read(1).isEmpty)
    await drained.value
    await post.end()
  }

  @Test(
    "draining ends at once whoever has sent no whole request",
    arguments: [
      "", "G", "GET /v2/ HTTP/1.1\r\nHost: a\r\n",
      "PUT /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
    ])
  func drainsHalfRequests(sent: String) async throws {
    let registry = try StreamTests.registry(try StreamTests.image(), gate: Gate()) { _ in false }
    let post = try await Post(registry.host)
    let wire = try post.wire()
    // Whoever asked before was let in.
    wire.ask("/v2/")
    #expect(try await wire.answer().status == 200)
    wire.send(sent)
    await post.server.drain(patience: .seconds(50))
    // It may hear that half a request is none.
    #expect(await wire.read(1_000).count < 1_000)
    await post.end()
  }

  @Test("who does not end in time is cut off")
  func cuts() async throws {
    let image = try StreamTests.image()
    let gate = Gate()
    let registry = try StreamTests.registry(image, gate: gate) { $0 >= 256 << 10 }
    let post = try await Post(registry.host)
    let wire = try post.wire()
    wire.ask("/v2/\(post.registry)/o/n/blobs/\(image.layers[0])")
    _ = try await wire.head()
    await post.server.drain(patience: .zero)
    #expect(await wire.read(2 << 20).count < StreamTests.size)
    gate.open()
    await post.end()
  }

  @Test("tags and referrers are upstream's, with links that lead here")
  func lists() async throws {
    let (post, registry, image) = try await Self.post { request in
      if request.target.contains("/tags/list") {
        return .ok(
          #"{"name":"o/n","tags":["a"]}"#,
          [("Link", #"</v2/o/n/tags/list?last=a&n=1>; rel="next""#), ("X-Other", "y")])
      }
      if request.target.contains("/referrers/") {
        return .ok(
          #"{"schemaVersion":2,"manifests":[]}"#,
          [("Content-Type", "text/html"), ("OCI-Filters-Applied", "artifactType")])
      }
      return nil
    }
    let tags = try await post.get("tags/list?n=1")
    #expect(tags.text == #"{"name":"o/n","tags":["a"]}"#)
    #expect(
      tags.fields["link"] == "</v2/\(post.registry)/o/n/tags/list?last=a&n=1>; rel=\"next\"")
    #expect(registry.server.requests[0].target == "/v2/o/n/tags/list?n=1")
    let wire = try post.wire()
    wire.ask("/v2/o/n/tags/list?n=1&ns=\(registry.host)")
    let link = "</v2/o/n/tags/list?last=a&n=1&ns=\(registry.host)>; rel=\"next\""
    #expect(try await wire.answer().fields["link"] == link)
    let referrers = try await post.get("referrers/\(image.manifest)?artifactType=x")
    #expect(referrers.fields["content-type"] == "application/vnd.oci.image.index.v1+json")
    #expect(referrers.fields["oci-filters-applied"] == "artifactType")
    await post.end()
  }

  @Test(
    "that a registry has no list of referrers is said in the one way that callers go on from",
    arguments: ["400", "403", "404", "405", "406", "501", "page", "other"])
  func noReferrers(kind: String) async throws {
    let (post, _, image) = try await Self.post { request in
      guard request.target.contains("/referrers/") else { return nil }
      return switch kind {
      case "page": .ok("<html>log in</html>", [("Content-Type", "text/html")])
      case "other": .ok(#"{"status":"ok"}"#, [("Content-Type", "application/json")])
      default: .status(Int(kind) ?? 0)
      }
    }
    let answer = try await post.get("referrers/\(image.manifest)")
    #expect(answer.status == 404, "\(answer.text)")
    await post.end()
  }

  @Test(
    "a link to the next page has the bytes of a URL, and a list whose next page nobody can name is none",
    arguments: [
      (Array("?last=\u{FC}\u{A0}x".utf8), "?last=%C3%BC%C2%A0x"),
      (Array("?last=a\"b".utf8), "?last=a%22b"),
      (Array("?last=a".utf8) + [0xFC], nil), (Array("?last=a".utf8) + [0x01], nil),
    ] as [([UInt8], String?)], ["tags/list", "referrers"])
  func oddLinks(link: ([UInt8], String?), list: String) async throws {
    let (query, expected) = link
    let body = #"{"name":"o/n","tags":["a"],"schemaVersion":2,"manifests":[]}"#
    let (post, _, image) = try await Self.post { request in
      guard request.target.contains("/\(list)") else { return nil }
      let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nLink: </v2/o/n/\(list)"
      return .raw(
        Array(head.utf8) + query + Array(">; rel=\"next\"\r\n\r\n\(body)".utf8), .keep)
    }
    let path = list == "referrers" ? "\(list)/\(image.manifest)" : list
    let answer = try await post.get(path)
    if let expected {
      let link = "</v2/\(post.registry)/o/n/\(path)\(expected)>; rel=\"next\""
      #expect(answer.fields["link"] == link)
    } else {
      #expect(answer.status == 502)
      #expect(answer.text.contains("no URL has"), "\(answer.text)")
    }
    await post.end()
  }

  @Test("a socket in the file system: a stale one is replaced, anything else is not")
  func localSockets() async throws {
    let (post, _, _) = try await Self.post()
    let path = post.folder("s")
    try await post.server.listen(at: .path(path))
    let wire = try Wire(path: path)
    wire.send("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(try await wire.answer().status == 200)
    await #expect(throws: (any Error).self) { try await post.server.listen(at: .path(path)) }
    await post.end()
    #expect(post.records.all.contains { $0.peer == .process(uid: getuid()) })
    #expect(!FileManager.default.fileExists(atPath: path))
    let (next, _, _) = try await Self.post()
    let file = next.folder("f")
    try Data("x".utf8).write(to: URL(filePath: file))
    await #expect(throws: (any Error).self) { try await next.server.listen(at: .path(file)) }
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "x")
    await next.end()
  }
}
