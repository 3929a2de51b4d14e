import Foundation
import Support
import Testing

@testable import cairn

@Suite("Metrics of a pull", .timeLimit(.minutes(10)))
struct MetricsTests {
  /// Whether the reader is there that others use.
  private static let hasReader = FileManager.default.fileExists(
    atPath: "/usr/lib/python3/dist-packages/prometheus_client")

  /// Values by name and labels.
  private func samples(_ text: String) -> [String: Double] {
    text.split(separator: "\n").filter { !$0.hasPrefix("#") }.reduce(into: [:]) { found, line in
      guard let space = line.lastIndex(of: " ") else { return }
      found[String(line[..<space])] = Double(line[line.index(after: space)...])
    }
  }

  @Test("a pull that goes well, and one that does not, say what they were like")
  func pulls() async throws {
    let registry = try FakeRegistry(try FakeImage(layers: [Content.bytes(300_000, seed: 1)]))
    let cairn = try Command()
    let file = cairn.folder("cairn.prom")
    let good = try await cairn(
      "pull", "\(registry.host)/o/n", "--plain-http", "--metrics", file)
    #expect(good.status == 0, "\(good.errors)")
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(text.hasSuffix("\n# EOF\n"))
    let found = samples(text)
    let label = "{registry=\"\(registry.host)\"}"
    #expect(found["cairn_pull_exit_code"] == 0 && found["cairn_pull_images" + label] == 1)
    #expect((found["cairn_pull_fetched_bytes" + label] ?? 0) > 300_000)
    #expect((found["cairn_pull_final_pool_workers" + label] ?? 0) >= 1)
    let network = "cairn_pull_errors{registry=\"\(registry.host)\",kind=\"network\"}"
    #expect(found[network] == 0)
    let bad = try await cairn(
      "pull", "\(registry.host)/o/none", "127.0.0.1:1/x", "--plain-http", "--retries", "0",
      "--metrics", file)
    #expect(bad.status != 0)
    let after = samples(try String(contentsOfFile: file, encoding: .utf8))
    #expect(after["cairn_pull_exit_code"] == Double(bad.status))
    #expect(after["cairn_pull_errors{registry=\"127.0.0.1:1\",kind=\"network\"}"] == 1)
    #expect(after["cairn_pull_images{registry=\"127.0.0.1:1\"}"] == 0)
  }

  @Test("what keeps a pull from beginning, and its interruption, are written too")
  func ends() async throws {
    let cairn = try Command()
    let file = cairn.folder("cairn.prom")
    let store = try await cairn(
      "pull", "127.0.0.1:1/x", "--store", "/proc/cairn", "--metrics", file)
    #expect(store.status == 73)
    let found = samples(try String(contentsOfFile: file, encoding: .utf8))
    #expect(found["cairn_pull_errors{registry=\"\",kind=\"disk\"}"] == 1)
    let (reached, reach) = AsyncStream.makeStream(of: Void.self)
    let silent = try RawServer { _ in
      reach.yield()
      return .raw([], .hang)
    }
    let running = try Running.start(
      cairn.process(["pull", "\(silent.host)/x", "--plain-http", "--metrics", file]))
    for await _ in reached { break }
    running.process.interrupt()
    let outcome = await running.finished()
    #expect(outcome.status == 130, "\(outcome.errors)")
    let after = samples(try String(contentsOfFile: file, encoding: .utf8))
    #expect(after["cairn_pull_exit_code"] == 130)
    #expect(after["cairn_pull_errors{registry=\"\(silent.host)\",kind=\"interrupted\"}"] == 1)
  }

  @Test("metrics on standard output leave it to nothing else; where they cannot go is said before")
  func places() async throws {
    let registry = try FakeRegistry(try FakeImage(layers: [Content.bytes(3_000, seed: 1)]))
    let cairn = try Command()
    let out = try await cairn(
      "pull", "\(registry.host)/o/n", "--plain-http", "--metrics", "-", "--progress", "json")
    #expect(out.output.hasPrefix("# TYPE ") && out.output.hasSuffix("# EOF\n"))
    let two = try await cairn("pull", "x", "--metrics", "-", "--trace", "-")
    #expect(two.status == 64)
    let nowhere = try await cairn("pull", "x", "--metrics", "/nowhere/x.prom")
    #expect(nowhere.status == 73 && nowhere.errors.contains("/nowhere/x.prom"))
  }

  /// All that a run can have, with words that have to be written otherwise.
  private var everything: String {
    var metrics = PullMetrics()
    metrics.version = "1\"\\\n\u{1B}é"
    (metrics.startedAt, metrics.endedAt) = (1_700_000_000.25, 1_700_000_003)
    (metrics.exitCode, metrics.waits, metrics.waitedSeconds, metrics.warnings) = (69, 2, 3.5, 1)
    var one = PullMetrics.Registry()
    (one.fetched, one.seconds, one.retries) = (.max, .infinity, 3)
    (one.finalPool, one.mostPool, one.bestPool) = (4, 9, 7)
    one.failures = [.network: 2]
    metrics.registries = ["a.b:5000": one, "c": .init(), "": .init(failures: [.disk: 1])]
    return metrics.text
  }

  @Test("words are written as the format has them, and what is no number is left out")
  func format() {
    let text = everything
    #expect(text.contains("cairn_pull_program{version=\"1\\\"\\\\\\né\"} 1\n"))
    #expect(text.contains("# UNIT cairn_pull_fetched_bytes bytes\n"))
    #expect(text.contains("cairn_pull_start_time_seconds 1700000000.25\n"))
    #expect(!text.contains("inf") || !text.contains("download_seconds{registry=\"a.b:5000\"}"))
    for kind in [
      "usage", "integrity", "not_found", "internal", "disk", "unauthorised", "interrupted",
    ] {
      #expect(text.contains("cairn_pull_errors{registry=\"c\",kind=\"\(kind)\"} 0\n"))
    }
    #expect(text.contains("cairn_pull_errors{registry=\"\",kind=\"disk\"} 1\n"))
    #expect(!text.contains("cairn_pull_best_pool_workers{registry=\"c\"}"))
  }

  @Test(
    "Prometheus' own reader takes it, and refuses what is spoiled",
    .enabled(if: hasReader, "tools/test installs python3-prometheus-client"))
  func readers() async throws {
    let cairn = try Command()
    let file = cairn.folder("cairn.prom")
    func isTaken(_ text: String) async throws -> Bool {
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      let script = """
        import sys
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as new
        from prometheus_client.parser import text_string_to_metric_families as old
        text = open(sys.argv[1]).read()
        def values(parse):
            return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in parse(text) for s in f.samples}
        sys.exit(0 if values(new) == values(old) and len(values(new)) > 20 else 1)
        """
      return try await Command.tool("/usr/bin/python3", "-c", script, file).status == 0
    }
    #expect(try await isTaken(everything))
    #expect(try await !isTaken(everything.replacing("# EOF\n", with: "")))
    #expect(try await !isTaken(everything.replacing("{version=\"", with: "{version=")))
    #expect(try await !isTaken(everything.replacing(" gauge", with: " gage")))
  }
}
