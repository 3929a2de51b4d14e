import CurlTransfer
import Downloads
import Foundation
import OCI
import Registry
import Scheduling
import Serve
import Store
import Support
import Testing
import Transfer
import Tuning

/// The local endpoint in front of an animal: whoever comes sees a registry like any other.
private final class Wicket: Sendable {
  let front: FrontServer
  /// The repository: the endpoint, and the animal as the first part of the path.
  let repository: String
  let host: String
  private let downloads: Downloads
  private let engine: CurlEngine
  private let folder: TemporaryFolder

  /// - Parameters:
  ///   - isPrivate: whether visitors are asked for credentials, which are exchanged at the animal.
  ///   - documents: what the endpoint has already.
  init(
    _ enclosure: Enclosure, isPrivate: Bool,
    documents: [Digest: (type: MediaType, bytes: [UInt8])] = [:]
  ) async throws {
    folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    for (digest, document) in documents { try store.put(Data(document.bytes), as: digest) }
    engine = try CurlEngine(settings: TransferSettings())
    var bounds = SchedulerSettings()
    bounds.backoff = 0.01
    bounds.minimumSegment = 32 << 10
    bounds.firstSegment = 32 << 10
    bounds.wholeBlob = 32 << 10
    bounds.retries = 3
    let settings = bounds
    downloads = Downloads(
      store: store, limits: Downloads.Limits(openBlobs: 32, hashing: 2),
      plan: { _, _ in PathPlan(policy: FixedPolicy(poolSize: 3), settings: settings) })
    var rule = RepositoryClient.RetryRule()
    rule.retries = 2
    let registries = ServedRegistries(["\(enclosure.host)\(isPrivate ? "=private" : "")"])
    var clients = UpstreamClients(
      registries: registries ?? ServedRegistries(), engine: engine, retryRule: rule
    ) { reference in
      EndpointPlan(endpoints: [try Endpoint(of: reference, plainHTTP: true)])
    }
    clients.time.sleep = { _ in }
    front = FrontServer(
      Answerer(
        doorkeeper: CallerDoorkeeper(
          clients, owner: try OwnerRule(isOn: false, owner: 0, places: [])),
        cache: try CacheKeeper(store: store, reading: nil, limit: nil, keeps: true),
        downloads: downloads), settings: FrontSettings(connections: 64))
    let port = try await front.listen(at: .network(host: "127.0.0.1", port: 0))
    host = "127.0.0.1:\(port)"
    repository = "\(host)/\(enclosure.host.replacing(":", with: "__"))/\(Denizen.repository)"
  }

  /// Whether a HEAD brings a manifest's digest.
  func announces(_ digest: Digest) async throws -> Bool {
    let reference = try Reference("\(repository)@\(digest)")
    let client = RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: true)],
      engine: engine, credentials: CredentialChain())
    return try await client.announcedDigest() == digest
  }

  func close() async {
    await front.drain(patience: .zero)
    _ = await downloads.close()
    engine.stop()
  }
}

/// The same image from each animal, pulled through the local endpoint.
@Suite("Zoo behind the local endpoint", .timeLimit(.minutes(10)))
struct ServedZooTests {
  @Test(
    "anybody gets what the animal gives to anybody, and a login what it gives to that",
    arguments: Zoo.registries, [false, true])
  func served(animal: Animal, isKnown: Bool) async throws {
    let enclosure = try Enclosure(animal, image: Okapi.image(animal))
    let wicket = try await Wicket(enclosure, isPrivate: isKnown)
    for _ in 0..<2 {
      let visitor = try Visitor()
      try visitor.expect(
        await visitor.pull("\(wicket.repository):latest", as: isKnown ? Keeper.credential : nil),
        isKnown ? animal.known : animal.anonymous, of: enclosure.image, naming: [wicket.host])
    }
    for visit in enclosure.visits where visit.door == .storage {
      #expect(visit.request["authorization"] == nil)
    }
    await wicket.close()
  }

  @Test("ranges, first bytes, connections and encodings", arguments: Report.ranges)
  func ranges(report: Report) async throws {
    let enclosure = try Enclosure(report.animal, image: Okapi.image(report.animal))
    let wicket = try await Wicket(enclosure, isPrivate: false)
    let visitor = try Visitor()
    try visitor.expect(
      await visitor.pull("\(wicket.repository):latest"), .image, of: enclosure.image)
    await wicket.close()
  }

  @Test("blobs that are there only once their manifest was fetched, which the local endpoint has")
  func filling() async throws {
    let animal = Report.filling.animal
    let enclosure = try Enclosure(animal, image: Okapi.image(animal))
    let documents = enclosure.image.manifests
    let wicket = try await Wicket(enclosure, isPrivate: false, documents: documents)
    // Upstream says that they are there, and what is here is given.
    for digest in documents.keys { #expect(try await wicket.announces(digest)) }
    let visitor = try Visitor()
    try visitor.expect(
      await visitor.pull("\(wicket.repository)@\(enclosure.image.manifest)"), .image,
      of: enclosure.image)
    #expect(enclosure.visits.contains { $0.isContent && $0.manifests == 0 })
    await wicket.close()
  }

  @Test(
    "whatever is answered to who only asks for the head", arguments: Report.heads, [false, true])
  func heads(report: Report, byDigest: Bool) async throws {
    let enclosure = try Enclosure(report.animal, image: Okapi.image(report.animal))
    let wicket = try await Wicket(enclosure, isPrivate: false)
    let name =
      byDigest
      ? "\(wicket.repository)@\(enclosure.image.manifest)" : "\(wicket.repository):latest"
    for _ in 0..<2 {
      let visitor = try Visitor()
      try visitor.expect(await visitor.pull(name), .image, of: enclosure.image)
    }
    await wicket.close()
  }
}
