import Testing

@testable import Serve

@Suite("Host guard")
struct HostGuardTests {
  @Test(
    "hosts that are ours",
    arguments: [
      ("127.0.0.1", 5151, "127.0.0.1:5151"), ("127.0.0.1", 5151, "localhost:5151"),
      ("127.0.0.1", 5151, "LOCALHOST:5151"), ("127.0.0.1", 5151, "localhost.:5151"),
      ("127.0.0.1", 5151, "127.8.9.1:5151"), ("127.0.0.1", 5151, "[::1]:5151"),
      ("127.0.0.1", 5151, "[::ffff:127.0.0.1]:5151"), ("127.0.0.1", 5151, "127.0.0.1"),
      ("::1", 5151, "[::1]:5151"), ("[::1]", 5151, "localhost:5151"),
      ("localhost", 5151, "localhost:5151"), ("10.1.2.3", 5151, "10.1.2.3:5151"),
      ("fd00::1", 80, "[fd00:0:0::1]"), ("node1.example", 5151, "Node1.Example:5151"),
      ("0.0.0.0", 5151, "10.1.2.3:5151"), ("0.0.0.0", 5151, "localhost:6000"),
      ("::", 5151, "[fd00::9]:5151"), ("127.0.0.1", 5151, "alias:5151"),
      ("0.0.0.0", 5151, "alias:99"),
    ])
  func ours(host: String, port: Int, field: String) {
    #expect(HostGuard(host: host, port: port, names: ["Alias"]).refusal(hosts: [field]) == nil)
  }

  @Test(
    "hosts that are not",
    arguments: [
      ("127.0.0.1", 5151, "evil.example:5151"),
      ("127.0.0.1", 5151, "127.0.0.1:5152"), ("127.0.0.1", 5151, "10.0.0.1:5151"),
      ("127.0.0.1", 5151, "localhost.evil.example:5151"), ("127.0.0.1", 5151, "0.0.0.0:5151"),
      ("127.0.0.1", 5151, "[::]:5151"), ("127.0.0.1", 5151, "127.1:5151"),
      ("127.0.0.1", 5151, "2130706433:5151"), ("127.0.0.1", 5151, "0x7f000001:5151"),
      ("127.0.0.1", 5151, "user@127.0.0.1:5151"), ("127.0.0.1", 5151, "127.0.0.1:5151/x"),
      ("127.0.0.1", 5151, "127.0.0.1:05151x"), ("127.0.0.1", 5151, "[::1]5151"),
      ("127.0.0.1", 5151, "[::1%lo]:5151"), ("127.0.0.1", 5151, "127.0.0.1.evil.example:5151"),
      ("127.0.0.1", 5151, "::1:5151"), ("127.0.0.1", 5151, ""), ("127.0.0.1", 5151, ":5151"),
      ("127.0.0.1", 5151, "127.0.0.1:70000"), ("127.0.0.1", 5151, "127.0.0.1,evil.example:5151"),
      ("127.0.0.1", 5151, "alias:5152"), ("10.1.2.3", 5151, "127.0.0.1:5151"),
      ("10.1.2.3", 5151, "10.1.2.4:5151"), ("node1.example", 5151, "node2.example:5151"),
      ("node1.example", 5151, "localhost:5151"), ("0.0.0.0", 5151, "evil.example:5151"),
      ("::", 5151, "evil.example:5151"), ("0.0.0.0", 5151, "0.0.0.0:5151"),
    ])
  func foreign(host: String, port: Int, field: String) {
    #expect(HostGuard(host: host, port: port, names: ["alias"]).refusal(hosts: [field]) != nil)
  }

  @Test("without a Host, or with two, nothing is given; a unix socket takes any")
  func counts() {
    let rule = HostGuard(host: "127.0.0.1", port: 5151)
    #expect(rule.refusal(hosts: [])?.status == 400)
    #expect(rule.refusal(hosts: ["127.0.0.1:5151", "127.0.0.1:5151"])?.status == 400)
    for host in ["", "localhost", "docker", "x.example"] {
      #expect(HostGuard.socket.refusal(hosts: [host]) == nil)
    }
  }

  @Test("what only browsers send is refused, but not to whoever typed the address")
  func pages() {
    for rule in [HostGuard(host: "127.0.0.1", port: 5151), .socket] {
      for origin in ["http://127.0.0.1:5151", "null", ""] {
        #expect(rule.refusal(hosts: ["127.0.0.1:5151"], origins: [origin])?.status == 403)
      }
      for site in ["cross-site", "same-site", "same-origin"] {
        #expect(rule.refusal(hosts: ["127.0.0.1:5151"], sites: [site])?.status == 403)
      }
      #expect(rule.refusal(hosts: ["127.0.0.1:5151"], sites: ["none"]) == nil)
    }
  }

  @Test("the owner's credentials are refused where anybody could come from elsewhere")
  func ownerRule() throws {
    let here = ["127.0.0.1", "::1", "[::1]", "localhost", "127.9.9.9"].map {
      HostGuard(host: $0, port: 5151)
    }
    let rule = try OwnerRule(isOn: true, owner: 1000, places: here + [.socket])
    #expect(rule.includes(user: 1000) && rule.includes(user: 0))
    for user: UInt32? in [nil, 1001, 65_534] { #expect(!rule.includes(user: user)) }
    for host in ["0.0.0.0", "::", "10.0.0.1", "node1.example", "fe80::1", "::ffff:10.0.0.1"] {
      #expect(throws: ServeRefusal.self) {
        try OwnerRule(isOn: true, owner: 1000, places: here + [HostGuard(host: host, port: 1)])
      }
    }
    let off = try OwnerRule(
      isOn: false, owner: 1000, places: [HostGuard(host: "0.0.0.0", port: 1)])
    #expect(!off.includes(user: 1000) && !off.includes(user: 0))
  }
}
