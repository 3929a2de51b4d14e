import Foundation
import OCI
import Registry
import Support
import Synchronization
import Testing
import Transfer

@testable import Serve

/// Endpoints that have each other as mirrors.
@Suite("Rings of endpoints", .timeLimit(.minutes(10)))
struct RingTests {
  /// Where an endpoint's mirror is, which has to run before that is known.
  final class Place: Sendable {
    let port = Mutex(0)
  }

  /// An endpoint that asks another one first, and then the registry.
  static func desk(_ registry: RawServer, mirror: Place) async throws -> Desk {
    try await Desk([registry.host]) { reference in
      let port = mirror.port.withLock { $0 }
      let origin = try RemoteURL("http://127.0.0.1:\(port)/").origin
      return EndpointPlan(endpoints: [
        Endpoint(origin: origin, pathPrefix: "/v2", namespace: registry.host),
        try Endpoint(of: reference, plainHTTP: true),
      ])
    }
  }

  @Test("each gets everything from the registry, asked by one of them", arguments: [1, 2, 3])
  func rings(count: Int) async throws {
    let vault = try Vault { _, _ in true }
    let places = (0..<count).map { _ in Place() }
    var desks: [Desk] = []
    for number in 0..<count {
      desks.append(try await Self.desk(vault.server, mirror: places[(number + 1) % count]))
      places[number].port.withLock { $0 = desks[number].port }
    }
    let digest = try Digest.of(Vault.blob)
    for desk in desks {
      let manifest = try await desk.get("/v2/a/manifests/latest?ns=\(vault.server.host)")
      #expect(manifest.status == 200 && manifest.body == Vault.manifest)
      let blob = try await desk.get("/v2/a/blobs/\(digest)?ns=\(vault.server.host)")
      #expect(blob.status == 200 && blob.body == Vault.blob)
    }
    // Nobody went round more than once.
    for desk in desks { #expect(desk.log.all.count < 40, "\(desk.log.all.count)") }
    for desk in desks { await desk.close() }
  }

  @Test(
    "who asks for himself, or after too many others, goes no further",
    arguments: [
      ([], false), (["1.1 proxy", "1.0 fred, 1.1 cairn-00000000000000ab"], false),
      (["1.1 nginx, 1.1 cairn-0123456789abcdef (x)"], true),
      (["1.1 cairn-0123456789ABCDEF"], false),
      (["1.1 cairn-0123456789abcde", "cairn-0123456789abcdef"], false),
      ([String(repeating: "1.1 cairn-00000000000000ab,", count: 8)], true),
      ([String(repeating: "1.1 x,", count: 5_000)], false),
    ] as [([String], Bool)])
  func reads(fields: [String], isRing: Bool) {
    let chain = ViaChain(fields: fields)
    #expect(chain.isRing(for: "cairn-0123456789abcdef") == isRing)
  }

  @Test("what is passed on is what others of its kind wrote, and its own name")
  func passesOn() {
    let chain = ViaChain(fields: ["1.1 cairn-00000000000000ab, 1.1 squid", "evil\r\nX: y"])
    let name = ViaChain.newName()
    #expect(chain.field(adding: name) == "1.1 cairn-00000000000000ab, 1.1 \(name)")
    #expect(ViaChain(fields: [chain.field(adding: name)]).isRing(for: name))
  }
}
