import Foundation
import Testing

/// What the tuned pool finds by itself behind a server that gives each connection 1 MB/s.
///
/// Other tests at the same time would make this machine the limit, and there would be nothing to find.
@Suite(
  "Learning",
  .enabled(
    if: Command.hasServers && ProcessInfo.processInfo.environment["CAIRN_TEST_ALONE"] != nil,
    "the machine must be idle; tools/test runs it before the other tests"),
  .timeLimit(.minutes(10)), .serialized)
struct LearningTests: TunedPulls {
  let cairn: Command
  let image: String

  init() throws {
    cairn = try Command()
    image = "\(try #require(Command.server("SLOW")))/huge"
  }

  @Test("where each connection has its own rate the pool grows, and the next pull starts there")
  func learns() async throws {
    let first = try pools(try await pull(1))
    let opened = try #require(first.sizes.first)
    let largest = try #require(first.sizes.max())
    #expect(largest >= 4 * opened, "\(first)")
    let optimum = try #require(try await report().first?["optimum"] as? Int)
    #expect(optimum >= 2 * opened)
    let second = try pools(try await pull(2))
    #expect(second.sizes.first ?? 0 >= optimum, "\(second)")
    #expect(second.reasons.first?.contains("earlier pulls") ?? false)
  }
}
