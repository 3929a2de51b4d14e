import CurlTransfer
import Foundation
import Support
import Testing
import Transfer

/// Servers that keep libcurl reading: frames of HTTP/2 that bring nothing, without a pause.
@Suite(
  "A server that sends without a pause", .timeLimit(.minutes(10)),
  .enabled(if: ProcessInfo.processInfo.environment["CAIRN_TEST_FLOOD_GOAWAY"] != nil))
struct TurnGuardTests {
  @Test(
    "loses its connection, and the others' transfers go on",
    arguments: ["GOAWAY", "DATA"])
  func othersGoOn(kind: String) async throws {
    let environment = ProcessInfo.processInfo.environment
    var settings = TransferSettings()
    settings.trustTestServers()
    // Where the server has no core for itself there are pauses, in which its own silence is seen.
    settings.stallTimeout = 60
    let engine = try CurlEngine(settings: settings)
    defer { engine.stop() }
    let host = try #require(environment["CAIRN_TEST_FLOOD_\(kind)"])
    let flood = Task {
      try await engine.perform(
        TransferRequest(.get, try RemoteURL("https://\(host)/v2/"), sharesConnection: true),
        limit: 1_000)
    }
    let other = try RawServer { _ in .ok("here") }
    for _ in 0..<5 {
      let response = try await engine.perform(
        TransferRequest(.get, try RemoteURL("http://\(other.host)/")), limit: 1_000)
      #expect(response.body == Array("here".utf8))
    }
    await #expect(throws: TransferError.self) { try await flood.value }
  }
}
