import CurlTransfer
import Foundation
import OCI
import Progress
import Pull
import PullSupport
import Registry
import Store
import Support
import Testing
import Transfer
import Tuning

/// One who comes to pull: a store, an engine, and what a pull showed.
final class Visitor: Sendable {
  /// What came of a pull.
  typealias Ending = Result<ProgressEvent.Summary, PullError>

  let store: ContentStore
  private let folder: TemporaryFolder
  private let engine: CurlEngine
  private let display = Display()

  private final class Display: ProgressDisplay {
    let log = Log<ProgressEvent>()
    func show(_ event: ProgressEvent) { log.add(event) }
  }

  /// - Parameters:
  ///   - store: another visitor's; nil: one of their own.
  ///   - proxy: `http://host:port`; nil: none.
  ///   - stallTimeout: seconds of silence after which a request has failed.
  init(store other: ContentStore? = nil, proxy: String? = nil, stallTimeout: Double = 50) throws {
    folder = try TemporaryFolder()
    store = try other ?? ContentStore(root: folder("store"))
    var settings = TransferSettings()
    settings.stallTimeout = stallTimeout
    settings.connectTimeout = 20
    settings.proxies = ProxyRule(plain: proxy)
    engine = try CurlEngine(settings: settings)
  }

  deinit { engine.stop() }

  /// Every line that a user would have seen.
  var said: String {
    display.log.all.compactMap { event -> String? in
      switch event {
      case .warning(let text): text
      case .waiting(_, let reason): reason
      case .late(let server, let reason): "\(server) \(reason)"
      case .mirrorGivenUp(let mirror, let reason): "\(mirror): \(reason)"
      default: nil
      }
    }.joined(separator: "\n")
  }

  /// Pulls; waits take no time.
  ///
  /// - Parameters:
  ///   - mirrors: asked before the registry.
  ///   - hedges: whether a late mirror is overtaken, at once.
  ///   - authFile: credentials of servers, beside those of the registry.
  func pull(
    _ name: String, workers: Int = 3, as credential: Credential? = nil, mirrors: [Endpoint] = [],
    hedges: Bool = false, authFile: String? = nil
  ) async throws -> Ending {
    let reference = try Reference(name)
    var request = LonePull(
      reference: reference, platforms: .one(try Platform("linux/amd64"), isExplicit: false),
      policy: FixedPolicy(poolSize: workers))
    request.settings.backoff = 0.01
    request.settings.minimumSegment = 32 << 10
    request.settings.firstSegment = 32 << 10
    request.settings.wholeBlob = 32 << 10
    request.settings.retries = 3
    var rule = RepositoryClient.RetryRule()
    rule.retries = 2
    rule.hedges = hedges
    var time = Timekeeper()
    time.sleep = { _ in try await Task.sleep(for: .milliseconds(1)) }
    if hedges { time.limit = time.sleep }
    var credentials = CredentialChain(
      explicit: credential, files: [authFile].compactMap { $0.map(CredentialFile.init(named:)) })
    credentials.explicitRegistry = reference.registry
    let display = display
    let client = RepositoryClient(
      reference: reference,
      endpoints: mirrors + [try Endpoint(of: reference, plainHTTP: true)], engine: engine,
      credentials: credentials,
      retryRule: rule, time: time
    ) { notice in
      switch notice {
      case .waiting(let seconds, let reason):
        display.show(.waiting(seconds: seconds, reason: reason))
      case .late(let server, let reason): display.show(.late(server, reason: reason))
      case .mirrorGivenUp(let mirror, let reason):
        display.show(.mirrorGivenUp(mirror, reason: reason))
      case .warning(let text): display.show(.warning(text))
      case .detail: break
      }
    }
    do throws(PullError) {
      return .success(
        try await Puller(client: client, store: store, display: display).pull(request))
    } catch {
      return .failure(error)
    }
  }

  /// The ending is what it should be: the whole image, or an error that names who is to blame.
  func expect(
    _ ending: Ending, _ outcome: Outcome, of image: FakeImage, naming hosts: [String] = [],
    _ sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    switch (ending, outcome) {
    case (.success(let summary), .image):
      try expectWhole(image, summary.imageDigest, sourceLocation)
    case (.failure(let error), .error(let categories)):
      #expect(categories.contains(error.category), "\(error)", sourceLocation: sourceLocation)
      let said = "\(error)\n\(said)"
      #expect(hosts.contains { said.contains($0) }, "\(said)", sourceLocation: sourceLocation)
      #expect(!said.contains(Keeper.password), sourceLocation: sourceLocation)
    case (.success, .error):
      Issue.record("no error", sourceLocation: sourceLocation)
    case (.failure(let error), .image):
      Issue.record("\(error)", sourceLocation: sourceLocation)
    }
    try expectNothingWrong(sourceLocation)
  }

  /// Every blob of the image is here with its bytes, and so is the document that was pulled.
  private func expectWhole(
    _ image: FakeImage, _ digest: Digest, _ sourceLocation: SourceLocation
  ) throws {
    let manifest = try #require(image.manifests[digest], sourceLocation: sourceLocation)
    let stored = store.document(digest).map { Array($0) }
    #expect(stored == manifest.bytes, sourceLocation: sourceLocation)
    for layer in image.layers {
      let bytes = try readFile(store.path(of: layer))
      #expect(bytes == image.blobs[layer], sourceLocation: sourceLocation)
    }
    let unfinished = try FileManager.default.contentsOfDirectory(
      atPath: store.root + "/.cairn/ingest")
    #expect(unfinished.isEmpty, sourceLocation: sourceLocation)
  }

  /// Nothing in the store is anything else than its name says.
  private func expectNothingWrong(_ sourceLocation: SourceLocation) throws {
    let found = try StoreMaintenance(store: store).verify(removesDamage: false)
    let damage = found.damage.filter { $0.reason != "it is missing" }
    #expect(damage.isEmpty, sourceLocation: sourceLocation)
  }
}
