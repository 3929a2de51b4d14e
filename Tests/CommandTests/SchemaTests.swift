import Foundation
import OCI
import Progress
import Support
import Testing
import Tuning

@testable import cairn

/// What is written has the form that `docs/schema` says, and the schemas refuse what has not.
@Suite("Schemas", .timeLimit(.minutes(10)))
struct SchemaTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let hasValidator = FileManager.default.fileExists(
    atPath: "/usr/lib/python3/dist-packages/jsonschema")

  private let cairn: Command
  private let samples: String

  init() throws {
    cairn = try Command()
    samples = cairn.folder("samples")
  }

  private func write(_ data: Data, _ schema: String, _ name: String) throws {
    let folder = samples + "/" + schema
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try data.write(to: URL(filePath: folder + "/" + name))
  }

  /// Writes what a command prints.
  private func print(_ schema: String, _ name: String, _ arguments: String...) async throws {
    let outcome = try await Command.finish(cairn.process(arguments))
    #expect(!outcome.bytes.isEmpty, "\(arguments): \(outcome.errors)")
    try write(outcome.bytes, schema, name)
  }

  @Test("the schema of settings is that of what can be set")
  func settings() throws {
    let file = Self.root.appending(path: "docs/schema/config.json")
    let text = try SettingSchema(table: SettingTable.ofProcess()).text
    if ProcessInfo.processInfo.environment["CAIRN_WRITE_SCHEMA"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let written = try String(contentsOf: file, encoding: .utf8)
    #expect(written == text, "CAIRN_WRITE_SCHEMA=1 swift test --filter SchemaTests writes it")
  }

  @Test(
    "everything that is written passes, and nothing that is spoiled",
    .enabled(if: hasValidator, "tools/test installs python3-jsonschema"))
  func everything() async throws {
    try await run()
    try events()
    try traces()
    try models()
    try configurations()
    let outcome = try await Command.tool(
      "/usr/bin/python3", Self.root.appending(path: "tools/cairnlab/check_schemas.py").path,
      Self.root.appending(path: "docs/schema").path, samples)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("spoiled documents were refused"))
  }

  /// What commands write.
  private func run() async throws {
    let layers = [Content.bytes(8_000_000, seed: 1), Content.bytes(90_000, seed: 2)]
    let registry = try FakeRegistry(try FakeImage(layers: layers))
    let image = "\(registry.host)/o/n"
    let trace = cairn.folder("trace.jsonl")
    try await print(
      "progress", "good.jsonl", "pull", image, "--plain-http", "--progress", "json", "--trace",
      trace, "--limit-rate", "16M")
    // At a rate that its user set, a pull teaches nothing; this one does.
    let taught = try await cairn(
      "pull", image, "--plain-http", "--workers", "4", "--store", cairn.folder("other"))
    #expect(taught.status == 0, "\(taught.errors)")
    try write(Data(contentsOf: URL(filePath: trace)), "trace", "pull.jsonl")
    try await print(
      "progress", "bad.jsonl", "pull", "\(registry.host)/o/none", "--plain-http", "--progress",
      "json")
    try await print("inspect", "image.json", "inspect", image, "--plain-http", "--format", "json")
    try await print(
      "endpoints", "plain.json", "inspect", image, "--explain-endpoints", "--format", "json",
      "--creds", "u:p")
    let tags = try RawServer { _ in .ok(#"{"name":"o/n","tags":["a","b"]}"#) }
    try await print(
      "tags", "some.json", "tags", "\(tags.host)/o/n", "--plain-http", "--format", "json")
    try await print("store-list", "one.json", "store", "list", "--format", "json")
    try await print("tune-report", "one.json", "tune", "--format", "json")
    try await print("export", "one.json", "tune", "--export", "-")
    let other = cairn.folder("other.json")
    try """
    {"version":1,"cpus":2,"at":5,"source":"other","paths":[]}
    """.write(toFile: other, atomically: true, encoding: .utf8)
    #expect(try await cairn("tune", "--export", other, "--merge").status == 0)
    try write(Data(contentsOf: URL(filePath: other)), "export", "merged.json")
    try await print("config-show", "some.json", "config", "show", "--format", "json")
  }

  /// Every event, also those that need a server to misbehave.
  private func events() throws {
    let digest = try Digest("sha256:" + String(repeating: "a", count: 64))
    var blob = PullSnapshot.Blob(
      digest: digest, label: "layer 1", size: 10, done: 5, state: .elsewhere)
    blob.process = 7
    let snapshot = PullSnapshot(
      name: "x", blobs: [blob], seconds: 1, bytesPerSecond: 5, poolSize: 2, open: 1)
    var summary = ProgressEvent.Summary(
      reference: "r", digest: digest, bytes: 1, fetched: 1, seconds: 1, requests: 1,
      connections: 1, retries: 0, poolSize: 4, limitedBy: "the line")
    summary.platform = "linux/amd64"
    summary.platformDigest = digest
    let events: [ProgressEvent] = [
      .started(reference: "r"), .pool(workers: 3, reason: "x"),
      .resolved(
        reference: "r", digest: digest, platform: "linux/amd64", platformDigest: digest, blobs: 1,
        bytes: 2, present: 0),
      .snapshot(snapshot), .blob(blob), .warning("w"), .waiting(seconds: 2, reason: "r"),
      .late("s", reason: "r"), .mirrorGivenUp("m", reason: "r"), .wrote(output: "o"),
      .finished(summary), .failed(.init(reference: "r", message: "m", hint: "h", exitCode: 69)),
      .failed(.init(message: "m", hint: nil, exitCode: 69)),
      .total(
        .init(images: 2, pulled: 1, fetched: 3, seconds: 1, poolSize: 4, limitedBy: "the line")),
    ]
    let renderer = JSONRenderer(traceID: TraceID(environment: [:]))
    let lines = events.map { renderer.line($0) + "\n" }.joined()
    try write(Data(lines.utf8), "progress", "each.jsonl")
  }

  /// Lines with all that can be in one: what a pull's own trace has of it is chance.
  private func traces() throws {
    let readings = Readings(
      roundTripSeconds: [0.02], smallestRoundTripSeconds: 0.01, engineBusy: 0.1, diskBusy: 0.2,
      disordered: 3, held: 0.4)
    let file = cairn.folder("each.jsonl")
    let trace = try TraceFile(path: file)
    for appLimit in [.nothingLeft, .backingOff, nil] as [Sample.AppLimit?] {
      let sample = Sample(
        now: Moment(seconds: 1), poolSize: 4, open: 3, carrying: 2, bytesDone: 5, bytesLeft: 6,
        firstByteSeconds: [0.1], connectSeconds: [0.2],
        refusals: [.init(at: Moment(seconds: 0.5), served: 2, retryAfter: 1)], appLimit: appLimit,
        readings: readings, endedRates: [1e6])
      for limit in PullRecord.Limit.allCases {
        trace.write(
          TraceStep(
            sample: sample, decision: PoolDecision(poolSize: 4, reason: "x", limit: limit)))
      }
    }
    try write(Data(contentsOf: URL(filePath: file)), "trace", "each.jsonl")
  }

  /// The models that come with the program.
  private func models() throws {
    for (folder, schema) in [("models", "link-model"), ("models/images", "image-model")] {
      let place = Self.root.appending(path: folder)
      let names = try FileManager.default.contentsOfDirectory(atPath: place.path)
        .filter { $0.hasSuffix(".json") }
      #expect(names.count > 3)
      for name in names { try write(Data(contentsOf: place.appending(path: name)), schema, name) }
    }
  }

  /// The page's example, and one with every kind of value.
  private func configurations() throws {
    let page = try String(
      contentsOf: Self.root.appending(path: "docs/configuration.md"), encoding: .utf8)
    let example = try #require(page.firstMatch(of: /```toml\n([\s\S]*?)```/))
    try write(Data(example.1.utf8), "config", "example.toml")
    let text = """
      plain-http = true
      workers = "auto"
      min-rate = 512
      connect-timeout = 2.5
      progress = "plain"
      history = { file = "/h", site = "/s" }
      [registry."ghcr.io"]
      workers = 8
      tls-verify = false
      [command.store-list]
      format = "json"
      """
    try write(Data(text.utf8), "config", "kinds.toml")
    // The page's example is one that is read, too.
    let file = cairn.folder("example.toml")
    try Data(example.1.utf8).write(to: URL(filePath: file))
    let place = SettingPlaces.Place(path: file)
    let read = try SettingFile(SettingTable.ofProcess(), place, home: "/h") { _ in }
    #expect(read.entries.count >= 6)
  }
}
