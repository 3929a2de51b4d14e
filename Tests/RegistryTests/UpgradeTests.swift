import Support
import Testing
import Transfer

@testable import Registry

/// Registries asked over plain HTTP that want TLS.
@Suite("Upgrades to TLS")
struct UpgradeTests {
  @Test(
    "credentials go along to the same port, and from the usual one to the usual one",
    arguments: [
      ("http://r.example:5000", "https://r.example:5000", true),
      ("http://r.example", "https://r.example", true),
      ("http://r.example:5000", "https://r.example", false),
      ("http://r.example:443", "https://r.example", true),
      ("http://r.example", "https://r.example:80", true),
      ("http://r.example", "https://r.example:8443", false),
      ("http://r.example:80", "https://s.example", false),
      ("https://r.example", "https://r.example:443", false),
      ("http://r.example", "http://r.example:443", false),
    ])
  func upgrades(from: String, to: String, isUpgrade: Bool) throws {
    let endpoint = Endpoint(origin: try RemoteURL(from + "/").origin)
    let ledger = EndpointLedger(silenceLimit: 30)
    let target = try RemoteURL(to + "/").origin
    #expect(ledger.noteUpgrade(endpoint, to: target) == isUpgrade)
    #expect((ledger.origin(of: endpoint) == target) == (isUpgrade || target == endpoint.origin))
  }
}
