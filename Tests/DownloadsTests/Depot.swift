import CurlTransfer
import Downloads
import Foundation
import OCI
import Registry
import Scheduling
import Store
import Support
import Synchronization
import Testing
import Transfer
import Tuning

/// A service, a store and an engine, and what the service told.
final class Depot: Sendable {
  let folder: TemporaryFolder
  let store: ContentStore
  let engine: CurlEngine
  let service: Downloads
  let events = Log<DownloadEvent>()
  /// Every plan that was asked for, and what was known of the path then.
  let plans = Log<(key: PathKey, known: PullRecord?)>()
  let ended = Log<PullReport>()

  init(
    workers: Int = 4, idleSeconds: Double = 5, store other: ContentStore? = nil,
    openBlobs: Int = 32, stallTimeout: Double = 30, pageEntries: Int = 1_000, retries: Int = 3,
    silence: Double = 30,
    planning: @escaping @Sendable (PathKey) async -> Void = { _ in },
    telling: @escaping @Sendable () async -> Void = {}
  ) throws {
    folder = try TemporaryFolder()
    store = try other ?? ContentStore(root: folder("store"))
    var transfers = TransferSettings()
    transfers.stallTimeout = silence
    engine = try CurlEngine(settings: transfers)
    var limits = Downloads.Limits(openBlobs: openBlobs, hashing: 2)
    limits.idleSeconds = idleSeconds
    limits.stallTimeout = stallTimeout
    limits.pageEntries = pageEntries
    var settings = SchedulerSettings()
    settings.backoff = 0.01
    settings.minimumSegment = 64 << 10
    settings.firstSegment = 64 << 10
    settings.wholeBlob = 64 << 10
    settings.retries = retries
    let (events, plans, ended) = (events, plans, ended)
    let bounds = settings
    service = Downloads(
      store: store, limits: limits,
      plan: { key, known in
        plans.add((key, known))
        await planning(key)
        return PathPlan(policy: FixedPolicy(poolSize: workers), settings: bounds)
      },
      ended: {
        ended.add($0)
        await telling()
      }, tell: { events.add($0) })
  }

  deinit { engine.stop() }

  func source(_ host: String) throws -> BlobSource {
    let reference = try Reference("\(host)/o/n")
    var time = Timekeeper()
    time.sleep = { _ in }
    return BlobSource(
      client: RepositoryClient(
        reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: true)],
        engine: engine, credentials: CredentialChain(), time: time))
  }

  /// Files of blobs on their way.
  func partialFiles() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder("store/.cairn/ingest"))
  }

  /// Every layer of an image as a wish.
  static func wishes(_ image: FakeImage) -> [Wish] {
    image.layers.enumerated().map { index, digest in
      Wish(
        Descriptor(
          mediaType: MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar"), digest: digest,
          size: Int64(image.blobs[digest]?.count ?? 0)),
        label: "layer \(index + 1)", owner: "an image")
    }
  }

  /// Waits until the service has told something.
  func told(_ isIt: @Sendable (DownloadEvent) -> Bool) async throws {
    try await eventually { events.all.contains(where: isIt) }
  }
}
