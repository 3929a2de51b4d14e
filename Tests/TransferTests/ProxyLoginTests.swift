import CurlTransfer
import Foundation
import Support
import Testing
import Transfer

/// Logins of proxies, as users write them (podman#11968, for-linux#1149, for-win#734, docker/docs#19118).
@Suite("Logins of proxies")
struct ProxyLoginTests {
  static let logins: [(typed: String, meant: String)] = [
    ("u:s%40cr%2Fet", "u:s@cr/et"), ("u", "u:"), ("u:", "u:"), ("%C3%BC:a%20b", "ü:a b"),
    ("u:%25%41", "u:%A"), ("u:p%2541", "u:p%41"), ("u:100%2525", "u:100%25"),
    ("u:a%2520b", "u:a%20b"), ("u:p%25ss", "u:p%ss"), ("u:%2500", "u:%00"),
    ("u%2541:b", "u%41:b"), ("u:a:b", "u:a:b"), ("u:a@b", "u:a@b"), ("u:%3A%40%3a", "u::@:"),
    ("u:ü€%F0%9F%94%91", "u:ü€🔑"), ("u:+%2B&=~", "u:++&=~"),
  ]

  private func engine(_ proxy: String) throws -> CurlEngine {
    var settings = TransferSettings()
    settings.proxies = ProxyRule(plain: proxy, secure: proxy)
    return try CurlEngine(settings: settings)
  }

  @Test("an HTTP proxy gets its login as it was meant, once decoded", arguments: logins)
  func plain(typed: String, meant: String) async throws {
    let proxy = try RawServer { .ok($0["Proxy-Authorization"] ?? "") }
    let engine = try engine("http://\(typed)@\(proxy.host)")
    defer { engine.stop() }
    let far = try await engine.perform(
      TransferRequest(.get, RemoteURL("http://far.example/x")), limit: 1000)
    #expect(far.body == Array("Basic \(Data(meant.utf8).base64EncodedString())".utf8))
  }

  @Test("so it does where it is asked for a way", arguments: logins)
  func tunnel(typed: String, meant: String) async throws {
    let proxy = try RawServer { _ in .status(403) }
    let engine = try engine("http://\(typed)@\(proxy.host)")
    defer { engine.stop() }
    _ = try? await engine.perform(
      TransferRequest(.get, RemoteURL("https://far.example/x")), limit: 1000)
    let shown = proxy.requests.map { $0["Proxy-Authorization"] ?? "" }
    #expect(shown == ["Basic \(Data(meant.utf8).base64EncodedString())"])
  }

  @Test("a SOCKS proxy gets its login as it was meant, once decoded", arguments: logins)
  func socks(typed: String, meant: String) async throws {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    let proxy = try SocksServer(answer: Array(answer.utf8))
    let engine = try engine("socks5://\(typed)@127.0.0.1:\(proxy.port)")
    defer { engine.stop() }
    let far = try await engine.perform(
      TransferRequest(.get, RemoteURL("http://far.example/x")), limit: 1000)
    #expect(far.body == Array("ok".utf8) && proxy.asked.first == meant)
  }
}
