import Foundation
import OCI
import Support
import Testing

/// `cairn tags` and `cairn digest`: what a registry has, without pulling it.
@Suite("Looking", .timeLimit(.minutes(10)), .serialized)
struct LookingTests {
  let cairn: Command

  init() throws { cairn = try Command() }

  func run(_ arguments: String...) async throws -> Command.Outcome {
    try await Command.finish(cairn.process(arguments + ["--plain-http", "--retries", "1"]))
  }

  // MARK: Servers that are late

  @Test("who says nothing is waited for once where nothing is tried again, whatever it may speak")
  func silentServer() async throws {
    let server = try RawServer { _ in .raw([], .hang) }
    let outcome = try await cairn(
      "digest", "\(server.host)/o/n", "--plain-http", "--retries", "0", "--stall-timeout", "10")
    #expect(outcome.status == 69)
    #expect(outcome.errors.components(separatedBy: "more to begin").count == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("8 s more to begin (--stall-timeout), "), "\(outcome.errors)")
    // A busy server may read what it was sent only now.
    try await eventually { !server.requests.isEmpty }
    #expect(server.requests.map(\.method) == ["HEAD"])
    // TLS is only tried where nothing says that there is none.
    let guessed = try await cairn(
      "digest", "\(server.host)/o/n", "--retries", "0", "--stall-timeout", "1")
    #expect(guessed.status == 69 && !guessed.errors.contains("SSL"), "\(guessed.errors)")
  }

  // MARK: Servers that say odd things

  @Test("who announces two digests is asked for the document itself")
  func twoDigests() async throws {
    let image = try FakeImage(layers: [[1, 2, 3]])
    let registry = try FakeRegistry(image) { request in
      guard request.method == "HEAD" else { return nil }
      let type = image.manifests[image.manifest]?.type.rawValue ?? ""
      return .ok(
        "",
        [
          ("Content-Type", type), ("Docker-Content-Digest", "\(image.layers[0])"),
          ("Docker-Content-Digest", "\(image.manifest)"),
        ])
    }
    let outcome = try await run("digest", "\(registry.host)/o/n")
    #expect(outcome.output == "\(image.manifest)\n", "\(outcome.errors)")
  }

  @Test("a page in place of a manifest is called one, with what may help")
  func loginPage() async throws {
    let server = try RawServer { _ in
      .ok("Welcome to the hotel", [("Content-Type", "text/html")])
    }
    let outcome = try await run("digest", "\(server.host)/o/n")
    #expect(outcome.status == 65 && outcome.errors.contains("a web page (HTML)"))
    #expect(
      outcome.errors.contains("hint: it may be the login of this network"), "\(outcome.errors)")
  }

  @Test("who showed no password is not told to check it")
  func tokenlessService() async throws {
    let server = try RawServer { request in
      if request.target.hasPrefix("/token") { return .ok(#"{"details":"not today"}"#) }
      let host = request["host"] ?? ""
      return .status(
        401, [("WWW-Authenticate", "Bearer realm=\"http://\(host)/token\",service=\"s\"")])
    }
    let outcome = try await run("digest", "\(server.host)/o/n")
    #expect(outcome.errors.contains("not today"), "\(outcome.errors)")
    #expect(outcome.errors.contains("hint: it may want a login"), "\(outcome.errors)")
  }

  // MARK: Tags

  /// A registry whose tags come in pages of two.
  func paged(_ tags: [String], link: @escaping @Sendable (Int) -> String) throws -> RawServer {
    try RawServer { request in
      guard request.target.hasPrefix("/v2/o/n/tags/list") else { return .status(404) }
      let start =
        request.target.firstRange(of: "last=").flatMap {
          Int(request.target[$0.upperBound...].prefix { $0.isNumber })
        } ?? 0
      let part = tags.dropFirst(start).prefix(2).map { "\"\($0)\"" }.joined(separator: ",")
      let isLast = start + 2 >= tags.count
      return .ok(
        "{\"name\":\"o/n\",\"tags\":[\(part)]}", isLast ? [] : [("Link", link(start + 2))])
    }
  }

  @Test("a reader that has enough of a list is no error, and a full disk is one (DataDog/pup#733)")
  func closedPipe() async throws {
    // More than a pipe holds: the rest is written when nobody reads any more.
    let tags = (0..<30_000).map { "\"t\($0)\"" }.joined(separator: ",")
    let server = try RawServer { _ in
      .response(200, [("Content-Type", "application/json")], Array("{\"tags\":[\(tags)]}".utf8))
    }
    let line = "\(Command.path) tags --plain-http \(server.host)/o/n"
    func shell(_ line: String) async throws -> Command.Outcome {
      let process = try Command().process([])
      process.executableURL = URL(filePath: "/bin/bash")
      process.arguments = ["-o", "pipefail", "-c", line]
      return try await Command.finish(process)
    }
    let read = try await shell("\(line) | head -1")
    #expect(read.status == 0 && read.output == "t0\n" && read.errors.isEmpty, "\(read.errors)")
    let full = try await shell("\(line) > /dev/full")
    #expect(full.status == 73 && full.errors.contains("No space left"), "\(full.errors)")
    let closed = try await shell("\(line) >&-")
    #expect(closed.status == 73 && closed.errors.contains("is closed"), "\(closed.errors)")
  }

  @Test(
    "tags of all pages are listed in the registry's order, wherever its links lead",
    arguments: [
      "/v2/o/n/tags/list", "http://127.0.0.1:1/steal", "https://evil.example/v2/o/n/tags/list", "",
    ])
  func tags(place: String) async throws {
    let server = try paged(["b", "a", "10", "9", "latest"]) {
      "<\(place)?last=\($0)&n=2>; rel=\"next\""
    }
    let text = try await run("tags", "\(server.host)/o/n")
    #expect(text.output == "b\na\n10\n9\nlatest\n", "\(text.errors)")
    let json = try await run("tags", "\(server.host)/o/n", "--format", "json")
    #expect(
      json.output
        == "{\"repository\":\"\(server.host)/o/n\",\"tags\":[\"b\",\"a\",\"10\",\"9\",\"latest\"]}\n"
    )
  }

  @Test("tags that are none do not reach scripts, and pages without an end are an error")
  func hostileTags() async throws {
    let odd = try RawServer { _ in .ok(#"{"tags":["ok","a\nrm -rf","\u001b[2J","x y"]}"#) }
    let outcome = try await run("tags", "\(odd.host)/o/n")
    #expect(outcome.status == 0 && outcome.output == "ok\n")
    #expect(outcome.errors.contains("3 names in the list are no tags"))
    let endless = try RawServer { request in
      .ok(
        "{\"tags\":[\"a\"]}",
        [("Link", "<?x=\(request.target.contains("x=1") ? 2 : 1)>; rel=next")])
    }
    let circle = try await run("tags", "\(endless.host)/o/n")
    #expect(circle.status == 69 && circle.output.isEmpty)
    #expect(circle.errors.contains("its pages lead in a circle"))
    let last = try RawServer { _ in .ok(#"{"tags":["a"]}"#, [("Link", "<?x=1>; rel=next")]) }
    let known = try await run("tags", "\(last.host)/o/n")
    #expect(known.status == 0 && known.output == "a\n")
    #expect(known.errors.contains("there may be more tags"))
    let lost = try RawServer { _ in .ok(#"{"tags":["a"]}"#, [("Link", "</more>; rel=next")]) }
    let part = try await run("tags", "\(lost.host)/o/n")
    #expect(part.status == 69 && part.output.isEmpty && part.errors.contains("is to no list"))
    let objects = try RawServer { _ in .ok(#"{"name":"o/n","tags":[{"name":"a"}]}"#) }
    let unnamed = try await run("tags", "\(objects.host)/o/n")
    #expect(unnamed.status == 0 && unnamed.errors.contains("1 names in the list are no tags"))
    let none = try RawServer { _ in .ok(#"{"name":"o/n","tags":null}"#) }
    let empty = try await run("tags", "\(none.host)/o/n")
    #expect(empty.status == 0 && empty.output.isEmpty && empty.errors.isEmpty)
    let missing = try RawServer { _ in .status(404) }
    #expect(try await run("tags", "\(missing.host)/o/n").status == 66)
    let page = try RawServer { _ in .ok("<html>log in</html>") }
    #expect(try await run("tags", "\(page.host)/o/n").status == 65)
  }

  // MARK: Digest

  static let type = ("Content-Type", MediaType.ociIndex.rawValue)

  @Test(
    "the digest is the server's word where that is good enough, else the document's own",
    arguments: [
      // Where something is said not to be there, the API's root is asked once.
      ("said", 2), ("nobody's", 5), ("another's", 4), ("nothing", 2), ("not allowed", 2),
      ("no digest", 2), ("another type", 2), ("other algorithm", 2),
    ])
  func digests(head: String, requests: Int) async throws {
    let image = try FakeImage(
      layers: [[1, 2, 3]], platforms: ["linux/amd64", "linux/arm64"])
    let registry = try FakeRegistry(image) { request in
      let isOfTag = request.target.hasSuffix("/latest")
      // By tag some announce what has been replaced, or what another server makes of it.
      if head == "nobody's" || head == "another's", isOfTag {
        let other = head == "another's" ? image.manifests.keys.first { $0 != image.manifest } : nil
        return FakeRegistry.answer(request, image).announcing(other ?? image.layers[0])
      }
      guard request.method == "HEAD" else { return nil }
      let said = ("Docker-Content-Digest", "\(image.manifest)")
      switch head {
      case "nothing": return .response(200, [Self.type], [])
      case "not allowed": return .status(405)
      case "no digest":
        return .response(200, [Self.type, ("Docker-Content-Digest", "sha256:x")], [])
      case "another type": return .response(200, [said, ("Content-Type", "text/html")], [])
      case "other algorithm":
        return .response(200, [Self.type, ("Docker-Content-Digest", "md5:00")], [])
      default: return nil
      }
    }
    let outcome = try await run("digest", "\(registry.host)/o/n")
    #expect(outcome.output == "\(image.manifest)\n", "\(outcome.errors)")
    #expect(registry.server.requests.count == requests)
    #expect(registry.server.requests[0].method == "HEAD")
    let pinned = try await run("digest", "\(registry.host)/o/n@\(image.manifest)")
    #expect(pinned.output == "\(image.manifest)\n")
    let missing = try await run("digest", "\(registry.host)/o/n:none")
    #expect(
      missing.status == 66 && missing.output.isEmpty && missing.errors.contains("manifest unknown"))
  }

  @Test("a server that says another digest than the one asked for is not believed")
  func wrongWord() async throws {
    let image = try FakeImage(layers: [[1, 2, 3]], platforms: ["linux/amd64"])
    let registry = try FakeRegistry(image) { request in
      guard request.method == "HEAD" else { return nil }
      return .response(
        200, [Self.type, ("Docker-Content-Digest", "sha256:\(String(repeating: "a", count: 64))")],
        [])
    }
    let outcome = try await run("digest", "\(registry.host)/o/n@\(image.manifest)")
    #expect(outcome.output == "\(image.manifest)\n")
  }

  @Test("with a platform it is that of its manifest, which pulls the same image")
  func platformDigest() async throws {
    let image = try FakeImage(
      layers: [[1, 2, 3]], platforms: ["linux/amd64", "linux/arm64"])
    let registry = try FakeRegistry(image)
    let outcome = try await run("digest", "\(registry.host)/o/n", "--platform", "linux/arm64")
    let digest = try Digest(outcome.output.trimmingCharacters(in: .newlines))
    #expect(digest != image.manifest && image.manifests[digest] != nil)
    let pulled = try await run("pull", "\(registry.host)/o/n@\(digest)", "-q")
    #expect(pulled.output == outcome.output)
    let none = try await run("digest", "\(registry.host)/o/n", "--platform", "linux/s390x")
    #expect(none.status == 66 && none.errors.contains("available: linux/amd64, linux/arm64"))
    let single = try FakeRegistry(FakeImage(layers: [[1, 2, 3]]))
    let other = try await run("digest", "\(single.host)/o/n", "--platform", "linux/arm64")
    #expect(
      other.status == 0 && other.errors.contains("it is for linux/amd64, not for linux/arm64"))
  }
}
