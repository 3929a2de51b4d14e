import Foundation
import Support
import Testing

/// Mirror files as users write them, with the built binary.
@Suite("Files of mirrors, with the binary", .timeLimit(.minutes(10)))
struct MirrorFileTests {
  let cairn: Command
  let image: FakeImage

  init() throws {
    cairn = try Command()
    image = try FakeImage(layers: [Content.bytes(50_000, seed: 1)])
  }

  /// Writes a file in the test's folder.
  func write(_ path: String, _ bytes: some Sequence<UInt8>) throws {
    let parent = URL(filePath: cairn.folder(path)).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try writeFile(cairn.folder(path), bytes)
  }

  func write(_ path: String, _ text: String) throws { try write(path, text.utf8) }

  @Test(
    "what is wrong with files is a warning, and says so once",
    arguments: ["digest", "tags", "inspect"])
  func onePrefix(command: String) async throws {
    let registry = try FakeRegistry(image) { request in
      request["authorization"] == nil
        ? .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")]) : nil
    }
    try write(".config/containers/registries.conf", "bogus = 1")
    try write(".docker/config.json", "no JSON")
    let outcome = try await Command.finish(
      cairn.process([command, "\(registry.host)/o/n", "--retries", "0"]))
    for name in ["registries.conf", "config.json"] {
      let line = try #require(outcome.errors.split(separator: "\n").first { $0.contains(name) })
      #expect(line.contains(" warning cairn: "), "\(line)")
      #expect(!line.contains("warning:"), "\(line)")
    }
  }

  @Test(
    "a mirror below a path is asked for its own repository, with the token and the login for that",
    arguments: [true, false])
  func belowAPath(byHostsFile: Bool) async throws {
    let image = image
    let mirror = try FakeRegistry(image) { request in
      if request.target.hasPrefix("/token") {
        guard request.target.contains("scope=repository%3Aproj%2Fo%2Fn%3Apull"),
          request["authorization"] == "Basic \(Data("user:hunter2".utf8).base64EncodedString())"
        else { return .status(401) }
        return .ok(#"{"token":"good"}"#)
      }
      guard request.target.hasPrefix("/v2/proj/o/n/") else { return .status(404) }
      guard request["authorization"] == "Bearer good" else {
        let realm = "Bearer realm=\"http://\(request["host"] ?? "")/token\",service=\"s\""
        return .status(401, [("WWW-Authenticate", realm)])
      }
      return nil
    }
    let login = Data("user:hunter2".utf8).base64EncodedString()
    try write(
      "auth.json",
      #"{"auths":{"\#(mirror.host)/proj":{"auth":"\#(login)"},"\#(mirror.host)":{"auth":"eDp5"}}}"#)
    try write(
      "registries.conf",
      "[[registry]]\nlocation = \"far.invalid\"\n[[registry.mirror]]\nlocation = \"\(mirror.host)/proj\"\ninsecure = true"
    )
    try write(
      "certs.d/far.invalid/hosts.toml",
      "[host.\"http://\(mirror.host)/v2/proj\"]\noverride_path = true")
    let option =
      byHostsFile
      ? ["--hosts-dir", cairn.folder("certs.d")]
      : ["--registries-conf", cairn.folder("registries.conf")]
    let pull = try await Command.finish(
      cairn.process(
        ["pull", "far.invalid/o/n", "--authfile", cairn.folder("auth.json")] + option))
    #expect(pull.status == 0, "\(pull.errors)")
    #expect(!mirror.blobRequests.isEmpty)
  }

  @Test("what is blocked is refused before anybody is asked, with the file that says so")
  func blocked() async throws {
    let registry = try FakeRegistry(image)
    try write(
      ".config/containers/registries.conf.d/no.conf",
      "[[registry]]\nprefix = \"\(registry.host)/bad\"\nblocked = true")
    let refused = try await cairn("pull", "\(registry.host)/bad/x", "--plain-http")
    #expect(refused.status == 77)
    #expect(refused.errors.contains("\(registry.host)/bad/x:latest is forbidden"))
    #expect(refused.errors.contains("/.config/containers/registries.conf.d/no.conf blocks"))
    #expect(registry.server.requests.isEmpty)
    #expect(try await cairn("pull", "\(registry.host)/good/x", "--plain-http").status == 0)
  }

  @Test("a folder for localhost is none for a registry at a port of it")
  func namesake() async throws {
    let other = try FakeRegistry(FakeImage(layers: [Content.bytes(9_000, seed: 7)]))
    let registry = try FakeRegistry(image)
    let name = "localhost:\(registry.server.port)"
    try write(
      "certs.d/localhost/hosts.toml",
      "server = \"http://\(other.host)\"\n[host.\"http://\(other.host)\"]")
    let pull = try await cairn(
      "pull", "\(name)/x", "--plain-http", "--hosts-dir", cairn.folder("certs.d"))
    #expect(pull.status == 0, "\(pull.errors)")
    #expect(other.server.requests.isEmpty)
  }

  @Test(
    "a file with one byte of Latin-1 in a comment, or that cannot be understood, is not passed over in silence"
  )
  func warns() async throws {
    let registry = try FakeRegistry(image)
    let folder = "certs.d/\(registry.host)"
    for bytes in [Array("# caf".utf8) + [0xE9, 0x0A], Array("[host".utf8)] {
      try write("\(folder)/hosts.toml", bytes)
      let pull = try await cairn(
        "pull", "\(registry.host)/x", "--plain-http", "--hosts-dir", cairn.folder("certs.d"),
        "--progress", "plain")
      #expect(pull.status == 0)
      #expect(
        pull.errors.contains("mirrors are not used: \(cairn.folder(folder))/hosts.toml: line 1 is"))
    }
  }

  @Test(
    "a mirror named by http with skip_verify is asked, and its own header fields are sent to it alone"
  )
  func plainMirror() async throws {
    let image = image
    let mirror = try FakeRegistry(image) { $0["x-key"] == "s3cret" ? nil : .status(403) }
    // It is asked, too, where a busy machine makes the mirror late.
    let registry = try FakeRegistry(image) { _ in .status(500) }
    try write(
      "certs.d/\(registry.host)/hosts.toml",
      """
      [host."http://\(mirror.host)"]
      skip_verify = true
      [host."http://\(mirror.host)".header]
      x-key = "s3cret"
      """)
    let pull = try await cairn(
      "pull", "\(registry.host)/x", "--plain-http", "--hosts-dir", cairn.folder("certs.d"))
    #expect(pull.status == 0, "\(pull.errors)")
    #expect(!mirror.blobRequests.isEmpty)
    #expect(registry.server.requests.allSatisfy { $0["x-key"] == nil })
  }

  @Test("--explain-endpoints asks nobody and prints no secret")
  func explains() async throws {
    let mirror = try FakeRegistry(image)
    let registry = try FakeRegistry(image)
    let login = Data("user:hunter2".utf8).base64EncodedString()
    try write(
      "auth.json",
      #"{"auths":{"\#(registry.host)":{"auth":"\#(login)"}},"credHelpers":{"\#(mirror.host)":"never"}}"#
    )
    try write("certs.d/\(registry.host)/ca.crt", "x")
    let file = "certs.d/\(registry.host)/hosts.toml"
    try write(
      file,
      """
      ca = "ca.crt"
      [host."http://\(mirror.host)/v2/proj"]
      capabilities = ["pull"]
      override_path = true
      dial_timeout = "3s"
      [host."http://\(mirror.host)/v2/proj".header]
      x-key = "s3cret"
      """)
    let options = [
      "inspect", "\(registry.host)/x", "--explain-endpoints", "--hosts-dir",
      cairn.folder("certs.d"), "--authfile", cairn.folder("auth.json"),
    ]
    let text = try await Command.finish(cairn.process(options))
    #expect(text.status == 0 && text.errors.isEmpty, "\(text.errors)")
    let path = cairn.folder(file)
    #expect(
      text.output == """
        image        \(registry.host)/x:latest
        mirrors      by \(path)
        1  http://\(mirror.host)/v2/proj/x?ns=\(registry.host)
           asked for    content
           connection   plain HTTP
           fields       x-key
           credentials  docker-credential-never, which \(cairn.folder("auth.json")) names, would be asked
           proxy        none
           connects in  3.0 s
           named by     \(path)
        2  https://\(registry.host)/v2/x
           asked for    tags, content
           connection   TLS, certificates checked; plain HTTP where it speaks no TLS
           trusts       \(cairn.folder("certs.d/\(registry.host)/ca.crt"))
           credentials  \(cairn.folder("auth.json"))
           proxy        none
           connects in  15.0 s
           named by     \(path)

        """)
    let json = try await Command.finish(cairn.process(options + ["--format", "json"]))
    let document = try JSONSerialization.jsonObject(with: json.bytes) as? [String: [[String: Any]]]
    let rows = document?["images"]?.first?["endpoints"] as? [[String: Any]]
    #expect(rows?.map { $0["fields"] as? [String] } == [["x-key"], []])
    let all = text.output + json.output
    #expect(["s3cret", "hunter2", login].allSatisfy { !all.contains($0) })
    #expect(mirror.server.requests.isEmpty && registry.server.requests.isEmpty)
  }

  @Test(
    "short names are podman's only where that is asked for; the first registry that has it counts")
  func shortNames() async throws {
    let image = image
    let first = try FakeRegistry(image) { _ in .status(404) }
    let second = try FakeRegistry(image)
    try write(
      "r.conf",
      """
      unqualified-search-registries = ["\(first.host)", "\(second.host)"]
      [aliases]
      "team/x" = "\(second.host)/real/x"
      """)
    let conf = [
      "--registries-conf", cairn.folder("r.conf"), "--short-names", "podman", "--plain-http",
    ]
    let searched = try await Command.finish(cairn.process(["pull", "y:latest", "--quiet"] + conf))
    #expect(searched.status == 0, "\(searched.errors)")
    #expect(first.server.requests.map(\.target) == ["/v2/y/manifests/latest", "/v2/"])
    #expect(second.server.requests.contains { $0.target == "/v2/y/manifests/latest" })
    let alias = try await Command.finish(cairn.process(["pull", "team/x"] + conf))
    #expect(alias.status == 0, "\(alias.errors)")
    #expect(second.server.requests.contains { $0.target == "/v2/real/x/manifests/latest" })
    let nowhere = try await Command.finish(cairn.process(["pull", "y:none"] + conf))
    #expect(nowhere.status == 66)
    #expect(nowhere.errors.contains(first.host) && nowhere.errors.contains(second.host))
    let usual = try await Command.finish(
      cairn.process([
        "inspect", "y", "--explain-endpoints", "--registries-conf", cairn.folder("r.conf"),
      ]))
    #expect(usual.output.hasPrefix("image        docker.io/library/y:latest\n"))
    try write(
      "r.conf",
      "short-name-mode = \"enforcing\"\nunqualified-search-registries = [\"a.io\", \"b.io\"]")
    let enforced = try await Command.finish(cairn.process(["pull", "y"] + conf))
    #expect(enforced.status == 64 && enforced.errors.contains("a.io/y:latest, b.io/y:latest"))
  }
}
