import Foundation
import Support
import Testing

@Suite("A run's number", .timeLimit(.minutes(10)))
struct RunNumberTests {
  private static let id = "4bf92f3577b34da6a3ce929d0e0e4736"

  @Test("JSON lines, the trace and the debug log have it; what people read has not")
  func everywhere() async throws {
    let registry = try FakeRegistry(try FakeImage(layers: [Content.bytes(90_000, seed: 1)]))
    let cairn = try Command()
    let trace = cairn.folder("trace.jsonl")
    func pull(_ options: String...) async throws -> Command.Outcome {
      try await Command.finish(
        cairn.process(
          ["pull", "\(registry.host)/o/n", "--plain-http", "--limit-rate", "200k"] + options,
          environment: ["TRACEPARENT": "00-\(Self.id)-00f067aa0ba902b7-01"]))
    }
    let json = try await pull("--progress", "json", "--trace", trace, "--log-level", "debug")
    #expect(json.status == 0, "\(json.errors)")
    let lines = json.output.split(separator: "\n")
    #expect(lines.count > 2 && lines.allSatisfy { $0.contains("\"traceId\":\"\(Self.id)\"") })
    let log = json.errors.split(separator: "\n")
    #expect(log.count > 2 && log.allSatisfy { $0.contains(" cairn [\(Self.id)]: ") })
    let steps = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
    #expect(!steps.isEmpty && steps.allSatisfy { $0.contains("\"traceId\":\"\(Self.id)\"") })
    let replay = try await cairn("simulate", "--replay", trace)
    #expect(replay.status == 0, "\(replay.errors)")
    let plain = try await pull("--progress", "plain", "--log-level", "info")
    #expect(!(plain.output + plain.errors).contains(Self.id))
  }

  @Test("a run that was given none has one of its own each time")
  func own() async throws {
    let cairn = try Command()
    var seen: Set<String> = []
    for _ in 0..<2 {
      let outcome = try await cairn(
        "pull", "127.0.0.1:1/x", "--retries", "0", "--progress", "json")
      let match = try #require(outcome.output.firstMatch(of: /"traceId":"([0-9a-f]{32})"/))
      seen.insert(String(match.1))
    }
    #expect(seen.count == 2)
  }
}
