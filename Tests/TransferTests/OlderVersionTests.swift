import CurlTransfer
import Foundation
import Testing
import Transfer

/// A real server that offers HTTP/2, and answers whatever is asked by it with a status.
@Suite(
  "A server of an older version than it offers", .timeLimit(.minutes(3)),
  .enabled(if: ProcessInfo.processInfo.environment["CAIRN_TEST_OLDER"] != nil))
struct OlderVersionTests {
  @Test(
    "is asked once more by HTTP/1.1 at once, and by that alone from then on",
    arguments: [421, 426, 505], [TransferRequest.Method.get, .head])
  func fallsBack(status: Int, method: TransferRequest.Method) async throws {
    let environment = ProcessInfo.processInfo.environment
    let host = try #require(environment["CAIRN_TEST_OLDER"])
    var settings = TransferSettings()
    settings.trust.extraFiles = [environment["CAIRN_TEST_CA"]].compactMap { $0 }
    settings.stallTimeout = 50
    let engine = try CurlEngine(settings: settings)
    defer { engine.stop() }
    let url = try RemoteURL("https://\(host)/\(status)")
    for _ in 0..<2 {
      // Several at once: each has the answer of HTTP/2, and none of them another's.
      try await withThrowingTaskGroup(of: TransferResponse.self) { group in
        for _ in 0..<4 {
          group.addTask {
            try await engine.perform(
              TransferRequest(method, url, sharesConnection: true), limit: 1_000)
          }
        }
        for try await response in group {
          #expect(response.head.status == 200)
          if method == .get { #expect(response.body == Array("HTTP/1.1".utf8)) }
        }
      }
    }
  }
}
