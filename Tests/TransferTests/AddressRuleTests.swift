import CurlTransfer
import Foundation
import Support
import Testing
import Transfer

@Suite("Address rule")
struct AddressRuleTests {
  @Test(
    "addresses that lead to the same place from everywhere",
    arguments: [
      "1.1.1.1", "8.8.8.8", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.0.0.1", "128.0.0.1",
      "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "192.0.3.1", "192.167.0.1",
      "198.17.0.1", "198.20.0.1", "203.0.112.1", "223.255.255.255", "[2606:4700::1]",
      "[2a00:1450::1]", "[2001:200::1]", "[2001:db9::1]", "[3fff:1000::1]", "[::ffff:8.8.8.8]",
      "[64:ff9b::8.8.8.8]", "[2606:4700::5efe:8.8.8.8]",
    ])
  func routable(host: String) throws {
    let address = try #require(HostAddress(host: host[...]))
    #expect(address.isGloballyRoutable)
    #expect(AddressRule.globallyRoutable.objection(to: address) == nil)
  }

  @Test(
    "addresses that do not",
    arguments: [
      "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1",
      "169.254.169.254", "168.63.129.16", "172.16.0.1", "172.31.255.255", "192.0.0.9",
      "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
      "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
      "0x7f000001", "0x0a000001", "017700000001", "[::]", "[::1]", "[::ffff:10.0.0.1]",
      "[::ffff:127.0.0.1]", "[::10.0.0.1]", "[fe80::1]", "[febf::1]", "[fec0::1]", "[fc00::1]",
      "[fd00::1]", "[fd00:ec2::254]", "[ff02::1]", "[100::1]", "[2001:db8::1]", "[2001::1]",
      "[2001:2::1]", "[2001:10::1]", "[2001:20::1]", "[2001:1ff::1]", "[2002:808:808::1]",
      "[2002:7f00:1::]", "[3fff::1]", "[3fff:fff::1]", "[5f00::1]", "[4000::1]",
      "[64:ff9b::127.0.0.1]", "[64:ff9b::10.0.0.1]", "[64:ff9b::169.254.169.254]",
      "[64:ff9b:1::8.8.8.8]", "[2606:4700::5efe:10.0.0.1]", "[::ffff:0:10.0.0.1]",
    ])
  func special(host: String) throws {
    let address = try #require(HostAddress(host: host[...]))
    #expect(!address.isGloballyRoutable)
    #expect(AddressRule.globallyRoutable.objection(to: address) != nil)
    #expect(AddressRule.anywhere.objection(to: address) == nil)
  }

  private func get(
    _ url: String, _ rule: AddressRule, by engine: CurlEngine
  ) async throws -> [UInt8] {
    var request = TransferRequest(.get, try RemoteURL(url))
    request.addresses = rule
    return try await engine.perform(request, limit: 100).body
  }

  @Test("a name that leads to this machine is not connected to by the strictest rule")
  func vetoes() async throws {
    let server = try RawServer { _ in .ok("mine") }
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    // As a number: for libcurl a name like any other, until it has an address.
    let url = "http://2130706433:\(server.port)/"
    await #expect(throws: TransferError.self) {
      try await get(url, .globallyRoutable, by: engine)
    }
    #expect(server.connections == 0)
    #expect(try await get(url, .notLinkLocal, by: engine) == Array("mine".utf8))
  }

  @Test("a connection that another request made is not used against the rule")
  func vetoesUsedConnections() async throws {
    let server = try RawServer { _ in .ok("mine") }
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let url = "http://2130706433:\(server.port)/"
    _ = try await get(url, .notLinkLocal, by: engine)
    _ = try await get(url, .anywhere, by: engine)
    #expect(server.connections == 1)
    await #expect(throws: TransferError.self) {
      try await get(url, .globallyRoutable, by: engine)
    }
    #expect(server.requests.count == 2)
  }
}
