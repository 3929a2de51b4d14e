import Foundation
import Glibc
import OCI
import Support
import Testing
import Transfer

@testable import Registry
@testable import Serve

/// What the owner's files show servers, and for whom.
@Suite("The owner's fields and certificates", .timeLimit(.minutes(10)))
struct OwnersFilesTests {
  /// The registry's own server, or a mirror, as a file of the owner's has it.
  static func plan(_ reference: Reference, mirror: String? = nil) throws -> EndpointPlan {
    var own = try Endpoint(of: reference, plainHTTP: true)
    var first = own
    if let mirror { first = Endpoint(origin: try RemoteURL("http://\(mirror)/").origin) }
    first.fields = HTTPFields([("Authorization", "Bearer OWNER"), ("X-Key", "OWNER")])
    first.access.clientCertificate = .init(certificate: "/owner.pem")
    first.access.skipsVerification = true
    if mirror == nil { own = first }
    return EndpointPlan(
      endpoints: mirror == nil ? [own] : [first, own], source: "/etc/hosts.toml")
  }

  @Test("show nothing for callers who are not his own processes", arguments: [true, false])
  func strangers(isOwners: Bool) async throws {
    let vault = try Vault(challenge: "Basic realm=\"x\"") { _, authorization in
      authorization == "Bearer OWNER"
    }
    // Of another user the owner is not.
    let rule = try OwnerRule(isOn: true, owner: isOwners ? geteuid() : 4_242, places: [])
    for owner in [(rule, CredentialChain()), nil] {
      let desk = try await Desk([vault.server.host], owner: owner) { try Self.plan($0) }
      let isLetIn = owner != nil && (isOwners || geteuid() == 0)
      let blob = try await desk.get(
        "/v2/a/blobs/\(try Digest.of(Vault.blob))?ns=\(vault.server.host)")
      let manifest = try await desk.get("/v2/a/manifests/1?ns=\(vault.server.host)")
      #expect(Set([blob.status, manifest.status]) == [isLetIn ? 200 : 401])
      await desk.close()
    }
    #expect(isOwners || geteuid() == 0 || vault.server.requests.allSatisfy { $0["x-key"] == nil })
  }

  @Test(
    "are no part of anybody else's client, and what says how a server is reached is",
    arguments: [
      nil, "m.example",
    ])
  func clients(mirror: String?) throws {
    let warnings = Log<String>()
    let clients = UpstreamClients(
      registries: ServedRegistries(["r.example"]) ?? ServedRegistries(), engine: Nobody(),
      warn: { warnings.add($0) }
    ) { try Self.plan($0, mirror: mirror) }
    let found = try clients.find(Reference("r.example/a"))
    let server = mirror ?? "r.example"
    #expect(warnings.all.count == 1 && warnings.all[0].contains(server))
    #expect(!warnings.all[0].contains("OWNER"))
    for identity in [
      CallerIdentity.anonymous, .shows("Bearer x"), .has(.basic(user: "u", password: "p")), .owner,
    ] {
      let client = clients.client(found, as: identity, .empty, tokensFrom: nil) { _ in }
      let first = try #require(client.endpoints.first)
      #expect(first.fields.all.isEmpty == (identity != .owner))
      #expect((first.access.clientCertificate == nil) == (identity != .owner))
      #expect(first.access.skipsVerification && first.origin.authority == server)
    }
  }
}

/// Asks nobody.
private struct Nobody: TransferEngine {
  func start(
    _ request: TransferRequest,
    decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination,
    ended: @escaping @Sendable (Result<TransferResponse, TransferError>) -> Void
  ) -> TransferHandle { fatalError("nobody asks") }

  func cancel(_ handle: TransferHandle) {}
  func readings() -> EngineReadings { EngineReadings() }
  func proxy(of request: TransferRequest) -> String? { nil }
}
