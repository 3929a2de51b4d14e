import Foundation
import Hashing
import OCI
import Registry
import Serve
import Support
import Testing

/// How clients get in, by either way of naming a registry.
@Suite("Challenges of the local endpoint", .timeLimit(.minutes(10)))
struct ChallengeFlowTests {
  static func challenge(_ answer: (status: Int, fields: [(String, String)], body: [UInt8]))
    -> String?
  {
    answer.fields.first { $0.0 == "www-authenticate" }?.1
  }

  @Test(
    "with ns, upstream's 401 and its challenge come as they are, and the token that it leads to is used"
  )
  func query() async throws {
    let vault = try Vault { _, shown in shown == "Bearer good" }
    let desk = try await Desk([vault.server.host])
    let target = "/v2/a/manifests/latest?ns=\(vault.server.host)"
    for method in ["GET", "HEAD"] {
      let denied = try await desk.get(target, method: method)
      #expect(denied.status == 401)
      #expect(
        Self.challenge(denied)
          == "Bearer realm=\"http://\(vault.server.host)/token\",service=\"s\"")
    }
    let before = vault.server.requests.count
    let granted = try await desk.get(target, [("Authorization", "Bearer good")])
    #expect(granted.status == 200 && granted.body == Vault.manifest)
    // With the first request, and nothing is asked of the token service.
    #expect(
      vault.server.requests.dropFirst(before).allSatisfy { $0["authorization"] == "Bearer good" })
    await desk.close()
  }

  @Test("a challenge that no field may hold is left out, and the caller gets his 401")
  func oddChallenge() async throws {
    let challenge = "Bearer realm=\"http://HOST/token\",service=\"s\u{1}\""
    let vault = try Vault(challenge: challenge) { _, _ in false }
    let desk = try await Desk([vault.server.host])
    let denied = try await desk.get("/v2/a/manifests/latest?ns=\(vault.server.host)")
    #expect(denied.status == 401 && Self.challenge(denied) == nil)
    await desk.close()
  }

  @Test("what anybody may have needs no credentials, also where upstream wants an anonymous token")
  func anybody() async throws {
    let vault = try Vault { _, shown in shown == "Bearer anybody" }
    let desk = try await Desk([vault.server.host])
    let digest = try Digest.of(Vault.blob)
    let path = "/v2/\(Desk.part(vault.server))"
    let ns = "?ns=\(vault.server.host)"
    #expect(try await desk.get("/v2/").status == 200)
    #expect(try await desk.get("/v2/a/manifests/latest\(ns)").status == 200)
    #expect(try await desk.get("\(path)/a/manifests/latest").status == 200)
    #expect(try await desk.get("/v2/a/blobs/\(digest)\(ns)").body == Vault.blob)
    #expect(try await desk.get("\(path)/a/blobs/\(digest)").body == Vault.blob)
    await desk.close()
  }

  @Test(
    "by paths, /v2/ challenges where a registry is private, and what is answered is exchanged there"
  )
  func path() async throws {
    let vault = try Vault { repository, shown in
      shown == "Bearer good" || repository == "open" && shown == "Bearer anybody"
    }
    let desk = try await Desk(["\(vault.server.host)=private"])
    let path = "/v2/\(Desk.part(vault.server))"
    let greeting = try await desk.get("/v2/")
    #expect(greeting.status == 401)
    #expect(Self.challenge(greeting) == "Basic realm=\"cairn serve\"")
    let password = ("Authorization", "Basic dTpw")
    #expect(try await desk.get("/v2/", [password]).status == 200)
    let granted = try await desk.get("\(path)/a/manifests/latest", [password])
    #expect(granted.status == 200 && granted.body == Vault.manifest)
    let wrong = try await desk.get("\(path)/a/manifests/latest", [("Authorization", "Basic dTp4")])
    #expect(wrong.status == 401 && Self.challenge(wrong) == "Basic realm=\"cairn serve\"")
    // Podman and skopeo without a login send an empty one: they are anybody.
    for fields in [[], [("Authorization", "Basic Og==")]] {
      let denied = try await desk.get("\(path)/a/manifests/latest", fields)
      #expect(denied.status == 401)
      #expect(try await desk.get("\(path)/open/manifests/latest", fields).status == 200)
    }
    await desk.close()
  }

  @Test("the owner's credentials are used for callers of his own user, and for nobody else")
  func ownCredentials() async throws {
    let vault = try Vault { _, shown in shown == "Bearer good" }
    var chain = CredentialChain(explicit: .basic(user: "u", password: "p"))
    chain.explicitRegistry = vault.server.host
    let path = "/v2/\(Desk.part(vault.server))/a/manifests/latest"
    for (owner, status) in [(geteuid(), 200), (geteuid() &+ 4242, geteuid() == 0 ? 200 : 401)] {
      let rule = try OwnerRule(isOn: true, owner: owner, places: [])
      let desk = try await Desk([vault.server.host], owner: (rule, chain))
      #expect(try await desk.get(path).status == status)
      #expect(try await desk.get("/v2/a/manifests/latest?ns=\(vault.server.host)").status == status)
      await desk.close()
    }
    let off = try OwnerRule(isOn: false, owner: geteuid(), places: [])
    let desk = try await Desk([vault.server.host], owner: (off, chain))
    #expect(try await desk.get(path).status == 401)
    await desk.close()
  }

  @Test("within five minutes nothing is asked again of what was granted, and a tag always is")
  func remembers() async throws {
    let vault = try Vault { _, shown in shown == "Bearer good" }
    let desk = try await Desk([vault.server.host])
    let token = ("Authorization", "Bearer good")
    let ns = "?ns=\(vault.server.host)"
    let (blob, manifest) = (try Digest.of(Vault.blob), try Digest.of(Vault.manifest))
    // The image's configuration is begun with meanwhile.
    func count() -> Int {
      vault.server.requests.count {
        $0.target.contains("/manifests/") || $0.target.contains("\(blob)")
      }
    }
    _ = try await desk.get("/v2/a/blobs/\(blob)\(ns)", [token])
    _ = try await desk.get("/v2/a/manifests/latest\(ns)", [token])
    var asked = count()
    _ = try await desk.get("/v2/a/blobs/\(blob)\(ns)", [token])
    _ = try await desk.get("/v2/a/manifests/\(manifest)\(ns)", [token])
    #expect(count() == asked)
    // Another caller is asked for by himself, and a denial is not remembered.
    for _ in 0..<2 {
      asked = count()
      let other = try await desk.get("/v2/a/blobs/\(blob)\(ns)", [("Authorization", "Bearer x")])
      #expect(other.status == 401 && count() > asked)
    }
    asked = count()
    _ = try await desk.get("/v2/a/manifests/latest\(ns)", [token])
    #expect(count() > asked)
    await desk.close()
  }
}
