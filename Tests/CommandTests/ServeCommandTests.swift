import Foundation
import Support
import Testing

@Suite("cairn serve", .timeLimit(.minutes(10)))
struct ServeCommandTests {
  /// Starts a service in front of a registry, and waits until it listens at `s` in the command's folder.
  static func start(_ cairn: Command, _ registry: FakeRegistry, _ more: String...) async throws
    -> Running
  {
    let arguments = [
      "serve", "--listen", "unix:\(cairn.folder("s"))", "--registry", registry.host,
      "--plain-http", registry.host, "--store", cairn.folder("cache"), "--history",
      cairn.folder("h.sqlite"),
    ]
    let running = try Running.start(cairn.process(arguments + more))
    // The socket is there a moment before anybody listens.
    try await eventually { try await get(cairn, "/healthz").status == 0 }
    return running
  }

  static func get(_ cairn: Command, _ target: String) async throws -> Command.Outcome {
    try await Command.tool(
      "curl", "-sf", "--unix-socket", cairn.folder("s"), "http://localhost\(target)")
  }

  @Test("serves an image, logs a line a request, and ends by itself at SIGTERM")
  func serves() async throws {
    let cairn = try Command()
    let image = try FakeImage(layers: [Content.bytes(3 << 20, seed: 4)])
    let registry = try FakeRegistry(image)
    let running = try await Self.start(cairn, registry, "--log-format", "json")
    let base = "/v2/\(registry.host.replacing(":", with: "__"))/o/n"
    let manifest = try await Self.get(cairn, "\(base)/manifests/latest")
    #expect(Array(manifest.bytes) == image.manifests[image.manifest]?.bytes)
    let layer = image.layers[0]
    for _ in 0..<2 {
      let blob = try await Self.get(cairn, "\(base)/blobs/\(layer)")
      #expect(Array(blob.bytes) == image.blobs[layer])
    }
    kill(running.process.processIdentifier, SIGTERM)
    let outcome = await running.finished()
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = try outcome.errors.split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    let requests = lines.filter {
      $0["event"] as? String == "request" && $0["target"] as? String != "/healthz"
    }
    // Between them the layer may have come ahead of need.
    let origins = requests.compactMap { $0["from"] as? String }
    #expect(origins.count == 3 && origins.first == "upstream" && origins.last == "cache")
    #expect(requests.allSatisfy { $0["complete"] as? Bool == true })
    #expect(!FileManager.default.fileExists(atPath: cairn.folder("s")))
    // What it learned, a pull knows.
    let report = try await cairn("tune", "--report", "--history", cairn.folder("h.sqlite"))
    #expect(report.output.contains(registry.host), "\(report.output)")
  }

  @Test("a second SIGTERM ends it though answers are under way, and SIGHUP does not")
  func ends() async throws {
    let cairn = try Command()
    let image = try FakeImage(layers: [Content.bytes(1 << 20, seed: 4)])
    let (gate, asked) = (Gate(), Gate())
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("/blobs/"), !request.isGlimpse else { return nil }
      asked.open()
      gate.pass()
      return nil
    }
    let running = try await Self.start(cairn, registry)
    let base = "/v2/\(registry.host.replacing(":", with: "__"))/o/n"
    let client = Task { try await Self.get(cairn, "\(base)/blobs/\(image.layers[0])") }
    await asked.opened()
    let process = running.process.processIdentifier
    for signal in [SIGHUP, SIGTERM] { kill(process, signal) }
    try await eventually { !FileManager.default.fileExists(atPath: cairn.folder("s")) }
    #expect(running.process.isRunning)
    kill(process, SIGTERM)
    let outcome = await running.finished()
    #expect(outcome.status == 128 + SIGTERM)
    #expect(try await client.value.status != 0)
    gate.open()
  }

  @Test("killed in the middle and started again, it asks again for a segment a worker at most")
  func killed() async throws {
    let cairn = try Command()
    let image = try FakeImage(layers: [Content.bytes(12 << 20, seed: 4)])
    let (gate, asked) = (Gate(), Gate())
    let registry = try FakeRegistry(image) { request in
      // Whatever goes beyond the middle waits.
      guard request.target.contains("/blobs/"), !request.isGlimpse,
        (request.range?.upperBound ?? 12 << 20) > 6 << 20
      else { return nil }
      asked.open()
      gate.pass()
      return nil
    }
    let workers = 4
    let options = ["--max-workers", "\(workers)"]
    let first = try await Self.start(cairn, registry, options[0], options[1])
    let target = "/v2/\(registry.host.replacing(":", with: "__"))/o/n/blobs/\(image.layers[0])"
    let client = Task { try await Self.get(cairn, target) }
    await asked.opened()
    kill(first.process.processIdentifier, SIGKILL)
    _ = await first.finished()
    #expect(try await client.value.status != 0)
    gate.open()
    let second = try await Self.start(cairn, registry, options[0], options[1])
    let blob = try await Self.get(cairn, target)
    #expect(Array(blob.bytes) == image.blobs[image.layers[0]])
    kill(second.process.processIdentifier, SIGTERM)
    _ = await second.finished()
    let segments = registry.blobRequests.filter { !$0.isGlimpse }.map {
      $0.range?.count ?? 12 << 20
    }
    let again = segments.reduce(0, +) - (12 << 20)
    #expect(again <= workers * (segments.max() ?? 0), "\(segments)")
  }

  @Test(
    "a certificate that cannot be used ends it at the start, and the file is named",
    arguments: ["/nowhere/a.pem", "/dev/null"])
  func certificate(file: String) async throws {
    let cairn = try Command()
    let outcome = try await cairn(
      "serve", "--listen", "127.0.0.1:0", "--registry", "docker.io", "--store",
      cairn.folder("cache"), "--tls-cert", file, "--tls-key", file)
    #expect(outcome.status == 66)
    #expect(outcome.errors.contains(file), "\(outcome.errors)")
  }

  @Test("a place where it cannot listen is said, with the reason")
  func cannotListen() async throws {
    let cairn = try Command()
    let registry = try FakeRegistry(try FakeImage(layers: []))
    let outcome = try await cairn(
      "serve", "--listen", registry.host, "--registry", "docker.io", "--store",
      cairn.folder("cache"))
    #expect(outcome.status == 69)
    #expect(
      outcome.errors.contains("cannot listen on \(registry.host): address already in use\n"),
      "\(outcome.errors)")
    for wrong in [
      ["--listen", "x"], ["--registry", "x"], ["--max-workers", "0"], ["--limit-rate", "0"],
      ["--tls-cert", "x"], ["--tls-key", "x"],
    ] {
      #expect(try await Command.finish(cairn.process(["serve"] + wrong)).status == 64)
    }
  }
}
