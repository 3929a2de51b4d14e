import Foundation
import Hashing
import OCI
import Registry
import Serve
import Support
import Testing
import Transfer

/// What somebody might try who has no right to it; each against an endpoint and a registry on loopback.
@Suite("Attacks on the local endpoint", .timeLimit(.minutes(10)))
struct ServeAttackTests {
  static let password = ("Authorization", "Basic dTpw")
  static let token = ("Authorization", "Bearer good")

  @Test("the digest of another repository's blob gets nothing, though it is in the cache")
  func otherRepository() async throws {
    let vault = try Vault { repository, shown in repository == "open" || shown == "Bearer good" }
    let desk = try await Desk([vault.server.host])
    let digest = try Digest.of(Vault.blob)
    let ns = "?ns=\(vault.server.host)"
    let first = try await desk.get("/v2/closed/blobs/\(digest)\(ns)", [Self.token])
    #expect(first.status == 200 && first.body == Vault.blob)
    for repository in ["closed", "another"] {
      let stranger = try await desk.get("/v2/\(repository)/blobs/\(digest)\(ns)")
      #expect(stranger.status == 401 && !stranger.body.contains(Vault.blob))
      let head = try await desk.get("/v2/\(repository)/blobs/\(digest)\(ns)", method: "HEAD")
      #expect(head.status == 401)
      #expect(!head.fields.contains { $0.0 == "docker-content-digest" })
    }
    let other = try await desk.get(
      "/v2/closed/blobs/\(digest)\(ns)", [("Authorization", "Bearer other")])
    #expect(other.status == 401)
    #expect(try await desk.get("/v2/open/blobs/\(digest)\(ns)").status == 200)
    await desk.close()
  }

  @Test("a private manifest that is in the cache is 401 for everybody else, by tag and by digest")
  func privateManifest() async throws {
    let vault = try Vault { _, shown in shown == "Bearer good" }
    let desk = try await Desk([vault.server.host])
    let ns = "?ns=\(vault.server.host)"
    let digest = try Digest.of(Vault.manifest)
    for name in ["latest", "\(digest)"] {
      #expect(try await desk.get("/v2/a/manifests/\(name)\(ns)", [Self.token]).status == 200)
      #expect(try await desk.get("/v2/a/manifests/\(name)\(ns)").status == 401)
      let wrong = try await desk.get(
        "/v2/a/manifests/\(name)\(ns)", [("Authorization", "Bearer wrong")])
      #expect(wrong.status == 401)
    }
    await desk.close()
  }

  @Test("a download under way is joined only with a grant of one's own")
  func joinedDownload() async throws {
    let gate = Gate()
    let digest = try Digest.of(Vault.blob)
    let slow = try RawServer { request in
      // The question for the first byte is answered; content comes when the stranger has asked.
      if request["authorization"] == "Bearer good", !request.isGlimpse { gate.pass() }
      guard request["authorization"] == "Bearer good" else { return .status(401) }
      guard let range = request.range else { return .ok(Vault.blob) }
      let end = min(range.upperBound, Vault.blob.count)
      return .response(
        206, [("Content-Range", "bytes \(range.lowerBound)-\(end - 1)/\(Vault.blob.count)")],
        Array(Vault.blob[range.lowerBound..<end]))
    }
    let desk = try await Desk([slow.host])
    let target = "/v2/a/blobs/\(digest)?ns=\(slow.host)"
    async let owner = desk.get(target, [Self.token])
    try await eventually { slow.requests.count >= 2 }
    let stranger = try await desk.get(target)
    #expect(stranger.status == 401 && stranger.body.count < 1000)
    gate.open()
    #expect(try await owner.body == Vault.blob)
    await desk.close()
  }

  @Test("a credential for one registry is not replayed to another, whatever the path says")
  func replay() async throws {
    let mine = try Vault { _, shown in shown == "Bearer good" }
    let theirs = try Vault { _, _ in true }
    let open = try Vault { _, _ in true }
    let desk = try await Desk(
      ["\(mine.server.host)=private", theirs.server.host, open.server.host])
    for server in [mine.server, theirs.server, open.server] {
      let answer = try await desk.get(
        "/v2/\(Desk.part(server))/a/manifests/latest", [Self.password])
      #expect(answer.status == 200)
    }
    for server in [theirs.server, open.server] {
      #expect(server.requests.allSatisfy { $0["authorization"] == nil })
    }
    #expect(mine.server.requests.contains { $0["authorization"] == "Basic dTpw" })
    await desk.close()
  }

  @Test(
    "a registry that sends the endpoint back to itself gets nothing of its owner's, and no circle",
    arguments: ["127.0.0.1", "localhost"], ["blobs", "manifests"])
  func sentBack(name: String, kind: String) async throws {
    let vault = try Vault { _, shown in shown == "Bearer good" }
    let digest = try Digest.of(kind == "blobs" ? Vault.blob : Vault.manifest)
    let port = Log<Int>()
    let evil = try RawServer { _ in
      let place = "\(name):\(port.all.first ?? 0)/v2/closed/\(kind)/\(digest)"
      return .status(307, [("Location", "http://\(place)?ns=\(vault.server.host)")])
    }
    var own = CredentialChain(explicit: .registryToken("good"))
    own.explicitRegistry = vault.server.host
    let desk = try await Desk(
      [vault.server.host, evil.host],
      owner: (try OwnerRule(isOn: true, owner: geteuid(), places: []), own))
    port.add(desk.port)
    let answer = try await desk.get(
      "/v2/a/\(kind)/\(digest)?ns=\(evil.host)", [("Authorization", "Bearer stranger")])
    #expect(answer.status == 502)
    #expect(vault.server.requests.isEmpty)
    #expect(desk.log.all.filter { $0.status == 508 }.count <= 2)
    await desk.close()
  }

  @Test("a Host that leads here and is not ours is refused")
  func rebinding() async throws {
    let vault = try Vault { _, _ in true }
    let desk = try await Desk([vault.server.host])
    for host in ["evil.example:\(desk.port)", "evil.example", "127.0.0.1.evil.example"] {
      let answer = try await desk.get(
        "/v2/a/manifests/latest?ns=\(vault.server.host)", [("Host", host)])
      #expect(answer.status == 403)
    }
    #expect(vault.server.requests.isEmpty)
    await desk.close()
  }

  @Test("an Origin is refused, whatever it is")
  func origin() async throws {
    let vault = try Vault { _, _ in true }
    let desk = try await Desk([vault.server.host])
    for origin in ["http://127.0.0.1:\(desk.port)", "null", "https://evil.example"] {
      let answer = try await desk.get(
        "/v2/a/manifests/latest?ns=\(vault.server.host)", [("Origin", origin)])
      #expect(answer.status == 403)
    }
    #expect(vault.server.requests.isEmpty)
    await desk.close()
  }

  @Test("a redirect to a metadata address is not followed, by whatever name it goes")
  func metadata() async throws {
    // As a number, too: for libcurl a name like any other, until it has an address.
    for place in ["169.254.169.254", "[fd00:ec2::254]", "2852039166"] {
      let server = try RawServer { _ in
        .status(307, [("Location", "http://\(place)/latest/meta-data/")])
      }
      let desk = try await Desk([server.host])
      let answer = try await desk.get("/v2/a/manifests/latest?ns=\(server.host)")
      #expect(answer.status == 502)
      await desk.close()
    }
  }

  @Test("a registry that its owner named may not be at a link-local address, either")
  func linkLocalRegistry() async throws {
    var settings = TransferSettings()
    settings.connectTimeout = 5
    let desk = try await Desk(["169.254.169.254", "2852039166:80"], settings: settings)
    for host in ["169.254.169.254", "2852039166:80"] {
      let answer = try await desk.get("/v2/a/manifests/latest?ns=\(host)")
      #expect(answer.status == 502)
      #expect(String(decoding: answer.body, as: UTF8.self).contains("link-local"))
    }
    await desk.close()
  }

  @Test("with --registry '*' nothing on this machine or in a private network is reached")
  func anyPublic() async throws {
    let server = try RawServer { _ in .ok("mine") }
    let desk = try await Desk(["*"]) { reference in
      // A public name that leads here.
      var endpoint = try Endpoint(of: reference, plainHTTP: true)
      endpoint.origin = try RemoteURL("http://2130706433:\(server.port)/").origin
      return EndpointPlan(endpoints: [endpoint])
    }
    for host in [
      server.host, "localhost:\(server.port)", "10.0.0.1", "169.254.169.254", "nas.local",
    ] {
      #expect(try await desk.get("/v2/a/manifests/latest?ns=\(host)").status == 404)
    }
    let answer = try await desk.get("/v2/a/manifests/latest?ns=registry.example.com")
    #expect(answer.status == 502)
    #expect(server.connections == 0)
    await desk.close()
  }

  @Test("two Authorization fields are refused, and so is one in which another hides")
  func smuggling() async throws {
    let vault = try Vault { _, _ in true }
    let desk = try await Desk([vault.server.host])
    let target = "/v2/a/manifests/latest?ns=\(vault.server.host)"
    for fields in [
      [Self.token, Self.password], [Self.token, Self.token],
      [("Authorization", "Bearer good, Basic dTpw")], [("Authorization", "Bearer good x")],
      [("Authorization", "Digest username=\"u\"")],
    ] {
      let status = try await desk.get(target, fields).status
      #expect(status == 400 || status == 403)
    }
    #expect(vault.server.requests.isEmpty)
    await desk.close()
  }

  @Test("a very long Authorization is refused, and one as long as tokens are goes along unchanged")
  func longAuthorization() async throws {
    let long = "Bearer " + String(repeating: "a", count: 12 << 10)
    let vault = try Vault { _, shown in shown == long }
    let desk = try await Desk([vault.server.host])
    let target = "/v2/a/manifests/latest?ns=\(vault.server.host)"
    #expect(try await desk.get(target, [("Authorization", long)]).status == 200)
    // The image's other blobs are begun with meanwhile.
    func count() -> Int { vault.server.requests.count { $0.target.contains("/manifests/") } }
    let asked = count()
    for size in [16 << 10, 24 << 10, 40 << 10] {
      let field = "Bearer " + String(repeating: "a", count: size)
      let status = try await desk.get(target, [("Authorization", field)]).status
      #expect(status != 200)
    }
    #expect(count() == asked)
    await desk.close()
  }
}
