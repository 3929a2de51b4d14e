import CurlTransfer
import OCI
@testable import Registry
import Support
import Testing
import Transfer

/// What a proxy answers when it is asked for a way to the registry (CONNECT).
@Suite("Tunnels", .timeLimit(.minutes(10)))
struct TunnelTests {
  @Test(
    "a proxy that is out of breath is asked again, and one that says no is not",
    arguments: [
      ([], 1), ([407], 1), ([404], 1), ([401], 1), ([429], 2), ([408], 2), ([425], 2), ([500], 2),
      ([502], 2), ([503], 2), ([504], 2), ([429, 429], 3), ([503, 407], 2),
    ])
  func connect(statuses: [Int], requests: Int) async throws {
    let counter = Counter()
    let proxy = try RawServer { request in
      let number = counter.next()
      #expect(request.method == "CONNECT" && request.target == "registry.zoo.test:443")
      return .status(statuses.dropFirst(number - 1).first ?? 403, [("Retry-After", "1")])
    }
    var settings = TransferSettings()
    settings.stallTimeout = 50
    settings.proxies = ProxyRule(secure: "http://\(proxy.host)")
    let engine = try CurlEngine(settings: settings)
    defer { engine.stop() }
    let reference = try Reference("registry.zoo.test/o/n:1")
    var time = Timekeeper()
    time.sleep = { _ in }
    let client = RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: false)],
      engine: engine, credentials: CredentialChain(), time: time)
    do throws(RegistryError) {
      _ = try await client.document(.tag("1"))
      Issue.record("no error")
    } catch {
      #expect(error.description.contains("registry.zoo.test"), "\(error)")
      // Who has given a name and a password is not to be told that one can be given.
      if statuses.last == 407 {
        #expect(error.hint?.contains("another one than it was given") == true)
      }
    }
    #expect(proxy.requests.count == requests)
  }

  @Test(
    "a proxy that answers without an end is given up, and others are served meanwhile",
    arguments: [
      (407, .proxy, "without an end"), (403, .proxyRefused, "answered 403"), (200, .notTLS, nil),
    ] as [(Int, TransferError.Kind, String?)])
  func endless(status: Int, kind: TransferError.Kind, words: String?) async throws {
    let proxy = try RawServer { request in
      guard request.method == "CONNECT" else { return .ok("plain") }
      return .raw(Reply.head(status, length: status == 200 ? 0 : 99_999_999_999), .flood)
    }
    var settings = TransferSettings()
    settings.stallTimeout = 50
    settings.proxies = ProxyRule(plain: "http://\(proxy.host)", secure: "http://\(proxy.host)")
    let engine = try CurlEngine(settings: settings)
    defer { engine.stop() }
    let url = try RemoteURL("https://registry.zoo.test/v2/")
    let plain = try RemoteURL("http://registry.zoo.test/v2/")
    let endless = Task { () -> TransferError? in
      do throws(TransferError) {
        _ = try await engine.perform(TransferRequest(.get, url), limit: 100)
        return nil
      } catch {
        return error
      }
    }
    try await eventually { !proxy.requests.isEmpty }
    let other = try await engine.perform(TransferRequest(.get, plain), limit: 100)
    #expect(other.body == Array("plain".utf8))
    let end = await endless.value
    let error = try #require(end)
    #expect(error.kind == kind, "\(error)")
    if let words { #expect(error.description.contains(words), "\(error)") }
  }
}
