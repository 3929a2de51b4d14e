import Foundation
import Support
import Testing

/// `cairn simulate`, from a folder that has nothing in it.
@Suite("simulate", .timeLimit(.minutes(10)))
struct SimulateTests {
  static let quick = ["--model", "home-100", "--image", "small.json", "--seeds", "1"]

  static let modes: [[String]] = [
    quick + ["--lengths", "0.5"], quick + ["--lengths", "0.5", "--by", "kind", "--warm"],
    ["--model", "home-100", "--image", "one-big", "--seeds", "1", "--lengths", "0.5"],
    quick + ["--workers", "1,4"], quick + ["--workers", "4"], quick + ["--clients", "2"],
    quick + ["--arrivals", "--clients", "3"], quick + ["--arrivals", "--explain"],
    ["--model", "draw:7:9", "--image", "small.json", "--seeds", "1", "--workers", "4,8"],
  ]

  private func run(_ arguments: [String], in command: Command) async throws -> Command.Outcome {
    let image = #"{"name": "small", "about": "a small image", "layersKB": [2000]}"#
    try writeFile(command.folder("small.json"), image.utf8)
    let process = command.process(["simulate"] + arguments)
    process.currentDirectoryURL = URL(filePath: command.folder.path)
    return try await Command.finish(process)
  }

  @Test("knows its models in any folder, and every mode can be drawn", arguments: modes)
  func everywhere(arguments: [String]) async throws {
    let command = try Command()
    let plot = command.folder("plot.svg")
    let outcome = try await run(arguments + ["--plot", plot], in: command)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").count > 1)
    // How far it is, is for terminals.
    #expect(outcome.errors.isEmpty, "\(outcome.errors)")
    let drawing = try String(contentsOfFile: plot, encoding: .utf8)
    #expect(drawing.hasPrefix("<svg") && drawing.contains("</svg>"))
    #expect(!drawing.contains("nan") && !drawing.contains("inf"))
  }

  @Test("draws a replayed trace, too")
  func replay() async throws {
    let command = try Command()
    let registry = try FakeRegistry(
      try FakeImage(layers: [Content.bytes(3_000_000, seed: 1)]))
    let trace = command.folder("trace.jsonl")
    let pull = try await command("pull", "\(registry.host)/o/n", "--quiet", "--trace", trace)
    #expect(pull.status == 0, "\(pull.errors)")
    let outcome = try await run(["--replay", trace, "--plot", "-"], in: command)
    #expect(outcome.status == 0 && outcome.output.hasPrefix("<svg"), "\(outcome.errors)")
  }

  @Test(
    "a name that is not built in is not found, and those that are there are named",
    arguments: [["--model", "no-such"], ["--image", "no-such", "--model", "home-100"]])
  func unknown(arguments: [String]) async throws {
    let outcome = try await run(arguments, in: try Command())
    #expect(outcome.status == 66)
    #expect(outcome.errors.contains("no-such") && outcome.errors.contains("there are: "))
  }

  @Test("a folder of one's own stands in place of those that are built in")
  func folder() async throws {
    let command = try Command()
    let outcome = try await run(
      ["--models", command.folder.path, "--model", "home-100", "--workers", "1"], in: command)
    #expect(outcome.status == 66 && outcome.errors.contains("home-100.json"))
  }
}
