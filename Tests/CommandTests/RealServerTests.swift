import Foundation
import Support
import Testing

/// The binary against real servers, with skopeo, umoci and tar as judges of what it wrote.
@Suite("Real servers", .enabled(if: Command.hasServers), .timeLimit(.minutes(10)), .serialized)
struct RealServerTests {
  let cairn: Command

  init() throws { cairn = try Command() }

  func server(_ name: String) throws -> String { try #require(Command.server(name)) }

  func skopeo(_ source: String, _ target: String) async throws {
    let outcome = try await Command.tool(
      "skopeo", "copy", "--insecure-policy", "--override-arch", "amd64", "--override-os", "linux",
      source, target)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @discardableResult
  func pull(_ arguments: String...) async throws -> Command.Outcome {
    let outcome = try await Command.finish(cairn.process(["pull"] + arguments))
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  func json(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
  }

  /// The last `finished` line of a run with `--progress json`.
  func summary(_ outcome: Command.Outcome) throws -> [String: Any] {
    try #require(try json(outcome.output).last { $0["event"] as? String == "finished" })
  }

  @Test(
    "the store is an image layout that skopeo and umoci read",
    arguments: ["demo", "docker", "zstd", "plain"])
  func storeIsALayout(image: String) async throws {
    let name = "\(try server("REGISTRY"))/\(image):latest"
    try await pull(name)
    try await skopeo("oci:\(cairn.store):\(name)", "dir:\(cairn.folder("judge"))")
    #expect(try await cairn("store", "verify").status == 0)
    guard image == "demo" || image == "plain" else { return }
    let unpack = try await Command.tool(
      "umoci", "unpack", "--rootless", "--image", "\(cairn.store):\(name)", cairn.folder("bundle"))
    #expect(unpack.status == 0, "\(unpack.errors)")
    let files = try FileManager.default.subpathsOfDirectory(
      atPath: cairn.folder("bundle") + "/rootfs")
    #expect(files.contains { $0.hasSuffix(".bin") })
  }

  @Test("every output is what skopeo takes it for, with the same configuration")
  func outputs() async throws {
    let name = "\(try server("REGISTRY"))/demo:latest"
    let folder = cairn.folder
    let outputs = [
      "oci:\(folder("o")):t", "oci-archive:\(folder("o.tar")):t",
      "docker-archive:\(folder("d.tar"))", "dir:\(folder("d"))",
    ]
    try await Command.finish(cairn.process(["pull", name] + outputs.flatMap { ["--output", $0] }))
      .expectSuccess()
    let sources = [
      "oci:\(folder("o")):t", "oci-archive:\(folder("o.tar")):t",
      "docker-archive:\(folder("d.tar"))", "dir:\(folder("d"))",
    ]
    var configs: Set<String> = []
    for (number, source) in sources.enumerated() {
      try await skopeo(source, "dir:\(folder("judge\(number)"))")
      let inspected = try await Command.tool("skopeo", "inspect", "--config", "--raw", source)
      #expect(inspected.status == 0, "\(inspected.errors)")
      configs.insert(inspected.output)
    }
    #expect(configs.count == 1)
  }

  @Test("an archive on standard output is the whole archive and nothing else")
  func standardOutput() async throws {
    let outcome = try await pull("\(server("REGISTRY"))/demo", "--output", "docker-archive:-")
    try outcome.bytes.write(to: URL(filePath: cairn.folder("x.tar")))
    try await skopeo("docker-archive:\(cairn.folder("x.tar"))", "dir:\(cairn.folder("judge"))")
    let listing = try await Command.tool("tar", "-tf", cairn.folder("x.tar"))
    #expect(listing.output.hasPrefix("manifest.json\n"))
  }

  @Test("--quiet keeps the digest out of an archive on standard output")
  func quietArchive() async throws {
    let outcome = try await pull(
      "\(server("REGISTRY"))/demo", "--output", "oci-archive:-", "--quiet")
    #expect(outcome.bytes.count % 512 == 0)
    #expect(outcome.errors.hasPrefix("sha256:"))
  }

  @Test("a pull that was told to ignore a hang-up ignores it")
  func ignoresHangUp() async throws {
    let process = cairn.process([])
    process.executableURL = URL(filePath: "/usr/bin/nohup")
    process.arguments = [Command.path, "pull", "\(try server("SLOW"))/shared:one", "--quiet"]
    let running = try Running.start(process)
    try await waitForBytes(of: running)
    kill(running.process.processIdentifier, SIGHUP)
    #expect(await running.finished().status == 0)
  }

  @Test("all platforms, and an artifact without layers")
  func indexAndArtifact() async throws {
    let host = try server("REGISTRY")
    try await pull("\(host)/demo", "--all-platforms", "--output", "oci:\(cairn.folder("all")):t")
    let copied = try await Command.tool(
      "skopeo", "copy", "--insecure-policy", "--all", "oci:\(cairn.folder("all")):t",
      "dir:\(cairn.folder("judge"))")
    #expect(copied.status == 0, "\(copied.errors)")
    try await pull("\(host)/artifact")
    let list = try await cairn("store", "list")
    #expect(list.output.split(separator: "\n").count == 2)
    #expect(!list.output.contains("incomplete"))
  }

  @Test(
    "two platforms of a tag stand beside each other, and skopeo and umoci read the one that has the name"
  )
  func twoPlatforms() async throws {
    let name = "\(try server("REGISTRY"))/demo:latest"
    for platform in ["linux/arm/v7", "linux/amd64"] {
      try await pull(name, "--platform", platform)
    }
    #expect(try await cairn("store", "prune").output.contains(": 0 blobs"))
    let source = "oci:\(cairn.store):\(name)"
    let inspected = try await Command.tool("skopeo", "inspect", source)
    #expect(inspected.output.contains(#""Architecture": "amd64""#), "\(inspected.errors)")
    try await skopeo(source, "dir:\(cairn.folder("judge"))")
    let unpack = try await Command.tool(
      "umoci", "unpack", "--rootless", "--image", "\(cairn.store):\(name)", cairn.folder("bundle"))
    #expect(unpack.status == 0, "\(unpack.errors)")
    let tags = try await Command.tool("umoci", "ls", "--layout", cairn.store)
    #expect(tags.output == name + "\n", "\(tags.errors)")
    let removed = try await cairn("store", "remove", name, "--platform", "linux/amd64")
    #expect(removed.output.hasPrefix("removed \(name)\nfreed "), "\(removed.errors)")
    let other = try await Command.tool("skopeo", "inspect", source)
    #expect(other.output.contains(#""Architecture": "arm""#), "\(other.errors)")
    #expect(try await cairn("store", "verify").status == 0)
  }

  @Test("an unchanged tag is not fetched again; --quiet prints the digest alone")
  func unchangedTag() async throws {
    let name = "\(try server("REGISTRY"))/demo"
    let first = try summary(await pull(name, "--progress", "json"))
    #expect(first["bytesFetched"] as? Int ?? 0 > 3_000_000)
    let second = try summary(await pull(name, "--progress", "json"))
    #expect(second["bytesFetched"] as? Int == 0 && second["requests"] as? Int == 0)
    let quiet = try await pull(name, "--quiet")
    #expect(quiet.output == "\(try #require(first["digest"] as? String))\n")
    #expect(quiet.errors.isEmpty)
  }

  @Test("images that share layers share them in the store")
  func sharedLayers() async throws {
    let host = try server("REGISTRY")
    try await pull("\(host)/shared:one")
    let second = try summary(await pull("\(host)/shared:two", "--progress", "json"))
    #expect(second["bytesFetched"] as? Int ?? .max < 2_200_000)
  }

  @Test(
    "TLS by a private authority; without it, expired, or mixed up with plain HTTP, a clear error")
  func tls() async throws {
    let host = try server("TLS")
    let authority = try server("CA")
    try await pull("\(host)/demo", "--ca-file", authority)
    try await pull("\(host)/demo", "--ca-only", authority)
    try await pull("\(host)/docker", "--tls-verify=false")
    for variables in [
      ["SSL_CERT_FILE": authority],
      ["SSL_CERT_FILE": "/nowhere", "SSL_CERT_DIR": try folder(authority)],
    ] {
      try await Command.finish(cairn.process(["pull", "\(host)/demo"], environment: variables))
        .expectSuccess()
    }
    let nobody = try await Command.finish(
      cairn.process(["pull", "\(host)/demo"], environment: ["SSL_CERT_FILE": "/nowhere"]))
    #expect(nobody.status == 69 && nobody.errors.contains("SSL_CERT_FILE"), "\(nobody.errors)")
    let other = try await Command.finish(
      cairn.process(
        ["pull", "\(host)/zstd", "--ca-only", server("EXPIRED_CA")],
        environment: ["SSL_CERT_FILE": authority]))
    #expect(other.status == 69 && other.errors.contains("--ca-file"))
    let untrusted = try await cairn("pull", "\(host)/zstd")
    #expect(untrusted.status == 69 && untrusted.errors.contains("--ca-file"))
    let expired = try await cairn(
      "pull", "\(server("EXPIRED"))/zstd", "--ca-file", try server("EXPIRED_CA"))
    #expect(expired.status == 69 && expired.errors.contains("expired"), "\(expired.errors)")
    #expect(expired.errors.contains("(it is valid from "), "\(expired.errors)")
    let plain = try await cairn("pull", "\(host)/zstd", "--plain-http")
    #expect(plain.status == 69 && plain.errors.contains("leave out --plain-http"))
  }

  /// A directory with nothing but a file of that content, under a name that no hash gave.
  private func folder(_ file: String) throws -> String {
    let path = cairn.folder("certificates")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try writeFile(path + "/mine", readFile(file))
    return path
  }

  @Test(
    "token authorization: anonymous, by password, by file; a wrong one exits 77 with the server's words"
  )
  func tokens() async throws {
    let host = try server("TOKEN")
    try await pull("\(host)/demo")
    let anonymous = try await cairn("pull", "\(host)/private/demo")
    #expect(anonymous.status == 77)
    #expect(
      anonymous.errors.contains("wrong user name or password")
        && anonymous.errors.contains("--creds"))
    let wrong = try await cairn("pull", "\(host)/private/demo", "--creds", "user:guess")
    #expect(wrong.status == 77)
    try await pull("\(host)/private/demo", "--creds", "user:secret")
    for credential in [#""auth":"dXNlcjpzZWNyZXQ=""#, #""identitytoken":"identity""#] {
      let file = cairn.folder("auth.json")
      try writeFile(file, Array(#"{"auths":{"\#(host)":{\#(credential)}}}"#.utf8))
      try await Command.finish(
        cairn.process(["pull", "\(host)/private/demo"], environment: ["REGISTRY_AUTH_FILE": file])
      ).expectSuccess()
      try await pull("\(host)/private/demo", "--authfile", file)
    }
  }

  @Test("redirects to another origin, and a server that refuses more than three connections")
  func redirectAndLimit() async throws {
    try await pull("\(server("REDIRECT"))/big", "--workers", "6")
    try await pull("\(server("LIMITED"))/demo", "--workers", "8")
    #expect(try await cairn("store", "verify").status == 0)
  }

  @Test("inspect shows platforms and layers, as text, JSON and raw")
  func inspect() async throws {
    let name = "\(try server("REGISTRY"))/demo"
    let text = try await cairn("inspect", name)
    #expect(text.output.contains("linux/arm/v7") && text.output.contains("layer 4"))
    let document =
      try JSONSerialization.jsonObject(
        with: try await cairn("inspect", name, "--format", "json").bytes) as? [String: Any]
    #expect((document?["manifests"] as? [Any])?.count == 3)
    let raw = try await cairn("inspect", name, "--raw")
    #expect(raw.output.contains("\"manifests\""))
    #expect(!FileManager.default.fileExists(atPath: cairn.store))
    #expect(try await cairn("inspect", name, "--platform", "linux/s390x").status == 66)
  }

  @Test(
    "Ctrl-C exits 130 and says how to go on; the next pull fetches only the rest",
    arguments: [SIGINT, SIGTERM, SIGKILL])
  func interrupted(signal: Int32) async throws {
    let name = "\(try server("SLOW"))/big"
    let running = try Running.start(
      cairn.process([
        "pull", name, "--workers", "2", "--limit-rate", "1M", "--progress", "json",
      ]))
    try await waitForBytes(of: running)
    kill(running.process.processIdentifier, signal)
    let outcome = await running.finished()
    if signal != SIGKILL {
      #expect(outcome.status == 128 + signal)
      #expect(outcome.output.contains("run the same command again"))
    }
    let rest = try summary(await pull(name, "--workers", "5", "--progress", "json"))
    #expect(rest["bytesFetched"] as? Int ?? .max < 15_500_000, "\(rest)")
    #expect(try await cairn("store", "verify").status == 0)
  }

  /// Waits until a resume map speaks of at least 2 MB; on a busy machine the pull may be over
  /// before that is seen, and then what is expected of its end tells.
  private func waitForBytes(of running: Running) async throws {
    let folder = cairn.store + "/.cairn/ingest"
    while running.process.isRunning {
      let maps = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
        $0.hasSuffix(".map")
      }
      let written = maps.compactMap {
        try? String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)
      }
      .flatMap { $0.split(separator: "\n") }.filter { $0.hasPrefix("+ ") }
      .reduce(0) { sum, line in
        let words = line.split(separator: " ")
        return sum + (Int(words[2]) ?? 0) - (Int(words[1]) ?? 0)
      }
      if written > 2_000_000 { return }
      try await Task.sleep(for: .milliseconds(1))
    }
  }

  @Test(
    "a full disk: refused before the download where the sizes tell",
    .enabled(if: Command.server("SMALL_DISK") != nil))
  func fullDisk() async throws {
    let disk = try server("SMALL_DISK")
    defer { try? FileManager.default.removeItem(atPath: disk + "/store") }
    let outcome = try await cairn("pull", "\(server("REGISTRY"))/big", "--store", disk + "/store")
    #expect(outcome.status == 73)
    #expect(
      outcome.errors.contains("16.0 MiB needed") && outcome.errors.contains("free"),
      "\(outcome.errors)")
  }

  @Test(
    "a disk that fills up meanwhile stops the pull and keeps what is there",
    .enabled(if: Command.server("SMALL_DISK") != nil))
  func fillingDisk() async throws {
    let disk = try server("SMALL_DISK")
    let filler = disk + "/filler"
    defer {
      try? FileManager.default.removeItem(atPath: filler)
      try? FileManager.default.removeItem(atPath: disk + "/store")
    }
    let name = "\(try server("SLOW"))/shared:one"
    let running = try Running.start(
      cairn.process([
        "pull", name, "--store", disk + "/store", "--workers", "1", "--limit-rate", "500K",
        "--progress", "json",
      ]))
    try await eventually { try allocated(disk + "/store") >= 1_000_000 }
    SmallDisk.fill(with: filler)
    let outcome = await running.finished()
    #expect(outcome.status == 73, "\(outcome.output)")
    #expect(outcome.output.contains("not enough space"))
    try FileManager.default.removeItem(atPath: filler)
    let rest = try summary(await pull(name, "--store", disk + "/store", "--progress", "json"))
    #expect(rest["bytesFetched"] as? Int ?? .max < 6_800_000, "\(rest)")
  }

  private func allocated(_ folder: String) throws -> Int {
    let ingest = folder + "/.cairn/ingest"
    return ((try? FileManager.default.contentsOfDirectory(atPath: ingest)) ?? []).reduce(0) {
      sum, name in
      var info = stat()
      return stat("\(ingest)/\(name)", &info) == 0 ? sum + Int(info.st_blocks) * 512 : sum
    }
  }

  @Test("verify --repair fetches damaged blobs again, though the tag is all it knows")
  func repair() async throws {
    let name = "\(try server("REGISTRY"))/demo"
    try await pull(name)
    let folder = cairn.store + "/blobs/sha256"
    let sizes = try FileManager.default.contentsOfDirectory(atPath: folder).map { name in
      (name: name, size: try readFile("\(folder)/\(name)").count)
    }
    let largest = try #require(sizes.max { $0.size < $1.size }).name
    try writeFile("\(folder)/\(largest)", [1, 2, 3])
    let found = try await cairn("store", "verify")
    #expect(found.status == 65 && found.output.contains("1 damaged"))
    let repaired = try await cairn("store", "verify", "--repair")
    #expect(repaired.status == 0, "\(repaired)")
    #expect(try await cairn("store", "verify").status == 0)
    #expect(try await cairn("store", "list").output.contains("linux/amd64"))
  }

  @Test("prune removes what nothing needs, and leaves the images")
  func prune() async throws {
    let host = try server("REGISTRY")
    try await pull("\(host)/shared:one")
    try await pull("\(host)/demo")
    let nothing = try await cairn("store", "prune")
    #expect(nothing.output.contains("0 blobs"))
    let some = try await cairn("store", "prune", "--keep-bytes", "5M")
    #expect(some.output.contains("removed \(host)/"))
    #expect(try await cairn("store", "verify").status == 0)
  }

  @Test("a rate limit holds for the whole pull")
  func rateLimit() async throws {
    let report = try summary(
      await pull(
        "\(server("REGISTRY"))/docker", "--limit-rate", "600K", "--workers", "8", "--progress",
        "json"))
    let bytes = try #require(report["bytesFetched"] as? Double)
    let seconds = try #require(report["seconds"] as? Double)
    // Only the upper bound is the limiter's promise: a burst of a twentieth of a second is allowed.
    #expect(bytes / seconds < 600 * 1024 * 1.1)
  }

  @Test("mirrors come from hosts.toml: a dead one is passed over, the next one serves")
  func mirrors() async throws {
    let folder = cairn.folder("certs.d") + "/far.example"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let text = "[host.\"http://127.0.0.1:1\"]\n[host.\"http://\(try server("REGISTRY"))\"]\n"
    try writeFile(folder + "/hosts.toml", Array(text.utf8))
    try await pull("far.example/demo", "--hosts-dir", cairn.folder("certs.d"))
    #expect(try await cairn("store", "list").output.hasPrefix("far.example/demo:latest"))
  }

  @Test("proxies come from the environment, in upper case too")
  func proxies() async throws {
    let proxy = try RawServer { _ in .status(502, [], #"{"message":"proxy says no"}"#) }
    let outcome = try await cairn(
      "pull", "far.example/x", "--plain-http", "--retries", "0",
      environment: ["HTTP_PROXY": "http://\(proxy.host)"])
    #expect(outcome.status == 69)
    #expect(outcome.errors.contains("proxy says no"))
    #expect(proxy.requests.map(\.target) == ["http://far.example/v2/x/manifests/latest"])
  }
}

extension Command.Outcome {
  func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(status == 0, "\(errors) \(output.suffix(300))", sourceLocation: sourceLocation)
  }
}
