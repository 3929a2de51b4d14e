import Testing

@testable import Serve

struct HostRuleTests {
  @Test(
    "addresses and our own names are ours, whatever the port",
    arguments: [
      "127.0.0.1:5151", "127.0.0.1", "localhost", "LOCALHOST:80", "[::1]:5151", "[::1]",
      "a.localhost:1", "10.0.0.7:5151", "node1:5151", "Node1", "[fe80::1]",
    ])
  func isOurs(host: String) {
    let rule = HostRule(names: ["node1"])
    #expect(rule.complaint(hosts: [host], isFromBrowser: false, isLocal: false) == nil)
  }

  @Test(
    "other names are not: they may be made to lead here",
    arguments: [
      [], ["evil.example"], ["127.0.0.1.evil.example"], ["localhost.evil.example:5151"],
      ["127.0.0.1", "127.0.0.1"], [""], ["node2"], ["127.1"], ["0x7f.0.0.1"], ["256.0.0.1"],
      ["1.2.3.4.5"], ["[evil]"], ["evil.example:127.0.0.1"], ["xnode1"], ["localhostx"],
    ] as [[String]])
  func isNotOurs(hosts: [String]) {
    let rule = HostRule(names: ["node1"])
    #expect(rule.complaint(hosts: hosts, isFromBrowser: false, isLocal: false) != nil)
  }

  @Test("a socket in the file system has no host, and browsers are refused there, too")
  func local() {
    let rule = HostRule(names: [])
    #expect(rule.complaint(hosts: [], isFromBrowser: false, isLocal: true) == nil)
    #expect(rule.complaint(hosts: ["x"], isFromBrowser: false, isLocal: true) == nil)
    #expect(rule.complaint(hosts: ["localhost"], isFromBrowser: true, isLocal: true) != nil)
    #expect(rule.complaint(hosts: ["localhost"], isFromBrowser: true, isLocal: false) != nil)
  }
}
