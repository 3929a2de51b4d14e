import CurlTransfer
import Foundation
import Testing
import Transfer

/// A real server that offers HTTP/2, and answers whatever is asked by it with a status.
@Suite(
  "A server of an older version than it offers", .timeLimit(.minutes(10)),
  .enabled(if: ProcessInfo.processInfo.environment["CAIRN_TEST_OLDER"] != nil))
struct OlderVersionTests {
  @Test(
    "is asked once more by HTTP/1.1 at once, and by that alone from then on",
    arguments: [421, 426, 505], [TransferRequest.Method.get, .head])
  func fallsBack(status: Int, method: TransferRequest.Method) async throws {
    let engine = try engine()
    defer { engine.stop() }
    let url = try url("\(status)")
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

  @Test(
    "a 421 over a connection that was there before says nothing of the next request",
    arguments: [(421, "HTTP/2.0"), (426, "HTTP/1.1"), (505, "HTTP/1.1")])
  func misdirected(status: Int, then version: String) async throws {
    let engine = try engine()
    defer { engine.stop() }
    var versions: [String] = []
    for path in ["protocol", "\(status)", "protocol"] {
      let request = TransferRequest(.get, try url(path), sharesConnection: true)
      let response = try await engine.perform(request, limit: 1_000)
      versions.append(String(decoding: response.body, as: UTF8.self))
    }
    #expect(versions == ["HTTP/2.0", "HTTP/1.1", version])
  }

  private func url(_ path: String) throws -> RemoteURL {
    let host = try #require(ProcessInfo.processInfo.environment["CAIRN_TEST_OLDER"])
    return try RemoteURL("https://\(host)/\(path)")
  }

  private func engine() throws -> CurlEngine {
    var settings = TransferSettings()
    settings.trustTestServers()
    settings.stallTimeout = 50
    return try CurlEngine(settings: settings)
  }
}
