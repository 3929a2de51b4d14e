import CurlTransfer
import Downloads
import Foundation
import OCI
import Registry
import Scheduling
import Serve
import Store
import Support
import Synchronization
import Testing
import Transfer
import Tuning

/// A service on loopback, in front of one registry that speaks plain HTTP.
final class Post: Sendable {
  let folder: TemporaryFolder
  let store: ContentStore
  let engine: CurlEngine
  let downloads: Downloads
  let server: FrontServer
  let answerer: Answerer
  let records = Log<RequestRecord>()
  let port: Int
  /// As the path form has it.
  let registry: String
  let host: String

  /// - Parameters:
  ///   - host: the registry's.
  ///   - strangers: other registries, which nobody named.
  ///   - mirrors: who is asked before any of them.
  init(
    _ host: String, strangers: [String] = [], mirrors: [String] = [], workers: Int = 4,
    settings: FrontSettings = .some, store other: ContentStore? = nil,
    firstBytesPatience: Duration = .seconds(3_600),
    room: AnswerRoom = .init(), cacheLimit: Int64? = nil
  ) async throws {
    self.host = host
    registry = host.replacing(":", with: "__")
    folder = try TemporaryFolder()
    store = try other ?? ContentStore(root: folder("store"))
    let engine = try CurlEngine(settings: TransferSettings())
    self.engine = engine
    var bounds = SchedulerSettings()
    bounds.backoff = 0.01
    bounds.minimumSegment = 64 << 10
    bounds.firstSegment = 64 << 10
    bounds.maximumSegment = 64 << 10
    bounds.wholeBlob = 64 << 10
    bounds.retries = 3
    let planned = bounds
    downloads = Downloads(
      store: store, limits: Downloads.Limits(openBlobs: 32, hashing: 2),
      plan: { _, _ in PathPlan(policy: FixedPolicy(poolSize: workers), settings: planned) })
    let served = ServedRegistries(
      named: Dictionary(([host] + strangers).map { ($0, false) }) { one, _ in one })
    let keeper = AnonymousDoorkeeper(isNamed: { $0 == host }) {
      (reference) throws(AnonymousDoorkeeper.Refusal) in
      guard served.standing(reference.registry, isMirrored: { false }) != nil,
        let endpoint = try? Endpoint(of: reference, plainHTTP: true)
      else { throw .init(.error(404, .nameUnknown, "not served")) }
      let asked = mirrors.compactMap { name in
        (try? RemoteURL("http://\(name)/")).map { Endpoint(origin: $0.origin) }
      }
      var time = Timekeeper()
      time.sleep = { _ in }
      return RepositoryClient(
        reference: reference, endpoints: asked + [endpoint], engine: engine,
        credentials: CredentialChain(), time: time)
    }
    let records = records
    answerer = Answerer(
      doorkeeper: keeper,
      cache: try CacheKeeper(store: store, reading: nil, limit: cacheLimit, keeps: true),
      downloads: downloads, metrics: ServeMetrics(.init(version: "test")),
      aheadPatience: .seconds(3_600), firstBytesPatience: firstBytesPatience, room: room,
      roomPatience: .milliseconds(10))
    server = FrontServer(answerer, settings: settings) { records.add($0) }
    port = try await server.listen(at: .network(host: "127.0.0.1", port: 0))
  }

  func end() async {
    await server.drain(patience: .zero)
    _ = await downloads.close()
    engine.stop()
  }

  func wire() throws -> Wire { try Wire(port: port) }

  /// Asks for something below a repository and reads the answer.
  ///
  /// - Parameter other: its registry; nil: the one that was named.
  func get(
    _ target: String, method: String = "GET", _ fields: [String: String] = [:],
    at other: String? = nil, in repository: String = "o/n"
  ) async throws -> WireAnswer {
    let wire = try wire()
    let registry = other?.replacing(":", with: "__") ?? registry
    wire.ask("/v2/\(registry)/\(repository)/\(target)", method: method, fields)
    return try await wire.answer(isHead: method == "HEAD")
  }

  /// Waits until so many requests have ended.
  func ended(_ count: Int) async throws { try await eventually { records.all.count >= count } }
}

extension FrontSettings {
  /// As many connections as any test makes.
  static var some: FrontSettings { FrontSettings(connections: 64) }
}
