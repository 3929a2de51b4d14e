import Foundation
import Support
import Testing

@Suite("A process that was stopped", .timeLimit(.minutes(10)))
struct StoppedTests {
  @Test("keeps nobody waiting, and finds its image when it goes on")
  func stopped() async throws {
    let cairn = try Command()
    let image = try FakeImage(layers: [Content.bytes(3 << 20, seed: 8)])
    let (gate, asked) = (Gate(), Gate())
    let registry = try FakeRegistry(image) { request in
      guard (request.range?.lowerBound ?? 0) > 0 else { return nil }
      asked.open()
      gate.pass()
      return nil
    }
    let arguments = [
      "pull", "\(registry.host)/o/n", "--plain-http", "--workers", "2", "--stall-timeout", "3",
      "--progress", "plain",
    ]
    let first = cairn.process(arguments)
    let running = Task { try await Command.finish(first) }
    await asked.opened()
    kill(first.processIdentifier, SIGSTOP)
    gate.open()
    let second = try await Command.finish(cairn.process(arguments))
    #expect(second.status == 0, "\(second.errors)")
    #expect(second.errors.contains("process \(first.processIdentifier)"), "\(second.errors)")
    #expect(second.errors.contains("going on in its place"), "\(second.errors)")
    kill(first.processIdentifier, SIGCONT)
    let outcome = try await running.value
    #expect(outcome.status == 0, "\(outcome.errors)")
    let verified = try await cairn("store", "verify")
    #expect(verified.status == 0, "\(verified.output)")
  }

  @Test("or crawls keeps nobody waiting who wants more than it brings, from wherever he has it")
  func crawling() async throws {
    let cairn = try Command()
    let image = try FakeImage(layers: [Content.bytes(3 << 20, seed: 9)])
    let size = 3 << 20
    let asked = Gate()
    let slow = try FakeRegistry(image) { request in
      guard let range = request.range, range.lowerBound > 0 else { return nil }
      asked.open()
      let part = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
      return .raw(
        Reply.head(206, length: range.count, [("Content-Range", part)]), .trickle([0]))
    }
    let quick = try FakeRegistry(image)
    func pull(_ registry: FakeRegistry, _ options: [String]) -> Process {
      cairn.process(
        ["pull", "\(registry.host)/o/n", "--plain-http", "--workers", "2", "--progress", "plain"]
          + options)
    }
    let first = pull(slow, ["--min-rate", "1"])
    let running = Task { try await Command.finish(first) }
    await asked.opened()
    let second = try await Command.finish(
      pull(quick, ["--min-rate", "1K", "--stall-timeout", "3"]))
    #expect(second.status == 0, "\(second.errors)")
    #expect(second.errors.contains("brought less than --min-rate of it for 3 s"))
    let outcome = try await running.value
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test("by Ctrl-\\ ends at once, as by SIGTERM", arguments: [SIGQUIT, SIGTERM])
  func quit(signal: Int32) async throws {
    let cairn = try Command()
    let (gate, asked) = (Gate(), Gate())
    let registry = try RawServer { _ in
      asked.open()
      gate.pass()
      return .status(404)
    }
    let process = cairn.process(["pull", "\(registry.host)/o/n", "--plain-http"])
    let running = Task { try await Command.finish(process) }
    await asked.opened()
    kill(process.processIdentifier, signal)
    let outcome = try await running.value
    gate.open()
    #expect(outcome.status == 128 + signal && process.terminationReason == .exit)
  }
}
