import CurlTransfer
import Foundation
import OCI
import Progress
import Downloads
import Pull
import PullSupport
import Registry
import Scheduling
import Store
import Support
import Testing
import Transfer
import Tuning

/// Remembers what it was shown.
final class Recorder: ProgressDisplay {
  let log = Log<ProgressEvent>()
  func show(_ event: ProgressEvent) { log.add(event) }
  var warnings: [String] {
    log.all.compactMap { if case .warning(let text) = $0 { text } else { nil } }
  }
  var states: [PullSnapshot.State] {
    log.all.compactMap { if case .blob(let blob) = $0 { blob.state } else { nil } }
  }
}

/// A store, an engine and what is needed to pull with them.
final class Bench: Sendable {
  let folder: TemporaryFolder
  let store: ContentStore
  let engine: CurlEngine
  let display = Recorder()
  let stallTimeout: Double

  /// - Parameters:
  ///   - store: another bench's; nil: one of its own.
  ///   - stallTimeout: seconds of silence after which a request has failed; few only where a server is
  ///     silent, since a busy machine is, too.
  init(store other: ContentStore? = nil, stallTimeout: Double = 50) throws {
    self.stallTimeout = stallTimeout
    folder = try TemporaryFolder()
    store = try other ?? ContentStore(root: folder("store"))
    var settings = TransferSettings()
    settings.stallTimeout = stallTimeout
    settings.connectTimeout = 5
    engine = try CurlEngine(settings: settings)
  }

  deinit { engine.stop() }

  func request(_ reference: String, workers: Int = 4) throws -> LonePull {
    var request = LonePull(
      reference: try Reference(reference),
      platforms: .one(try Platform("linux/amd64"), isExplicit: false),
      policy: FixedPolicy(poolSize: workers))
    request.settings.backoff = 0.01
    request.settings.minimumSegment = 64 << 10
    request.settings.firstSegment = 64 << 10
    request.settings.wholeBlob = 64 << 10
    request.settings.retries = 3
    return request
  }

  /// - Parameters:
  ///   - mirrors: hosts that are asked before the registry.
  ///   - hedges: whether a late mirror is overtaken, after hardly any time.
  ///   - waits: gets what would have been waited for, in seconds.
  func puller(
    _ reference: Reference, credentials: CredentialChain = CredentialChain(),
    mirrors: [String] = [], hedges: Bool = false, retries: Int = 2,
    waits: Log<Double>? = nil
  ) throws -> Puller {
    var rule = RepositoryClient.RetryRule()
    rule.retries = retries
    rule.silenceLimit = stallTimeout
    rule.hedges = hedges
    var endpoints = try mirrors.map {
      Endpoint(origin: try RemoteURL("http://\($0)/").origin, namespace: reference.registry)
    }
    endpoints.append(try Endpoint(of: reference, plainHTTP: true))
    let display = display
    var time = Timekeeper()
    time.sleep = { seconds in
      waits?.add(seconds)
      try await Task.sleep(for: .milliseconds(1))
    }
    if hedges { time.limit = time.sleep }
    let client = RepositoryClient(
      reference: reference, endpoints: endpoints, engine: engine, credentials: credentials,
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
    return Puller(client: client, store: store, display: display)
  }

  @discardableResult
  func pull(_ request: LonePull, credentials: CredentialChain = CredentialChain())
    async throws
    -> ProgressEvent.Summary
  {
    try await puller(request.reference, credentials: credentials).pull(request)
  }

  @discardableResult
  func pull(_ reference: String, workers: Int = 4) async throws -> ProgressEvent.Summary {
    try await pull(request(reference, workers: workers))
  }

  func failure(_ request: LonePull) async throws -> PullError {
    do {
      try await pull(request)
    } catch let error as PullError {
      return error
    }
    Issue.record("no error")
    return .interrupted(done: 0, size: 0)
  }

  /// Every blob of an image is in the store with its content.
  func expectWhole(_ image: FakeImage, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for (digest, bytes) in image.blobs {
      #expect(try readFile(store.path(of: digest)) == bytes, sourceLocation: sourceLocation)
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: store.root + "/.cairn/ingest").isEmpty,
      sourceLocation: sourceLocation)
  }

  /// Nothing in the store is anything else than its name says.
  func expectNothingWrong(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let found = try StoreMaintenance(store: store).verify(removesDamage: false)
    #expect(
      found.damage.filter { $0.reason != "it is missing" }.isEmpty, sourceLocation: sourceLocation)
  }
}

@Suite("Puller", .timeLimit(.minutes(10)), .serialized)
struct PullTests {
  static func image(layers: Int = 3, size: Int = 300_000, platforms: [String] = []) throws
    -> FakeImage
  {
    try FakeImage(
      layers: (0..<layers).map { Content.bytes(size + $0, seed: UInt64($0 + 1)) },
      platforms: platforms)
  }

  @Test("pulls an image, and the second time asks for one manifest only", arguments: [1, 4, 16])
  func pulls(workers: Int) async throws {
    let image = try Self.image()
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let summary = try await bench.pull("\(registry.host)/o/n", workers: workers)
    try bench.expectWhole(image)
    #expect(summary.digest == image.manifest)
    #expect(summary.fetched == image.blobs.values.reduce(0) { $0 + Int64($1.count) })
    // On a busy machine what is late may be asked for again, and who is overtaken loses his connection.
    #expect(registry.server.connections <= workers + 2 + registry.repeatedRequests)
    #expect(try bench.store.index()["\(registry.host)/o/n:latest"]?.digest == image.manifest)
    let before = registry.server.requests.count
    #expect(try await bench.pull("\(registry.host)/o/n").fetched == 0)
    #expect(registry.server.requests.count == before + 1)
  }

  @Test("what is named by digest and is here costs no request")
  func byDigest() async throws {
    let image = try Self.image(layers: 1)
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n@\(image.manifest)")
    let before = registry.server.requests.count
    try await bench.pull("\(registry.host)/o/n@\(image.manifest)")
    #expect(registry.server.requests.count == before)
  }

  @Test("a tag beside a digest names nothing: nobody asked what it means")
  func tagBesideDigest() async throws {
    var image = try Self.image(layers: 1)
    let other = try FakeImage(layers: [[1, 2, 3]])
    image.manifests.merge(other.manifests) { mine, _ in mine }
    image.blobs.merge(other.blobs) { mine, _ in mine }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let name = "\(registry.host)/o/n"
    try await bench.pull("\(name):latest")
    var request = try bench.request("\(name):latest@\(other.manifest)")
    let archive = bench.folder("a.tar")
    request.outputs = [OutputTarget(.dockerArchive, archive)]
    try await bench.pull(request)
    let index = try bench.store.index()
    #expect(index["\(name):latest"]?.digest == image.manifest)
    #expect(index["\(name)@\(other.manifest)"]?.digest == other.manifest)
    #expect(index.manifests.count == 2)
    #expect(try !String(decoding: readFile(archive), as: UTF8.self).contains(":latest"))
    // Its name in the archive is the user's own word.
    request.overwrites = true
    request.outputs = [OutputTarget(.dockerArchive, archive, "mine:latest")]
    try await bench.pull(request)
    #expect(try String(decoding: readFile(archive), as: UTF8.self).contains("mine:latest"))
  }

  @Test("SHA-512 images, empty blobs and one blob used twice")
  func oddBlobs() async throws {
    let same = Content.bytes(10_000, seed: 5)
    let image = try FakeImage(layers: [[], same, same, [1]], algorithm: .sha512)
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let summary = try await bench.pull("\(registry.host)/o/n")
    try bench.expectWhole(image)
    // By its own name it can be had again.
    #expect(summary.digest.algorithm == .sha512)
    _ = try await bench.pull("\(registry.host)/o/n@\(summary.digest)")
    // Each of those that have bytes once; one that is late on a busy machine may be asked for again.
    #expect(Set(registry.blobRequests.map(\.target)).count <= 4)
    #expect(summary.fetched == image.blobs.values.reduce(0) { $0 + Int64($1.count) })
  }

  @Test("Docker's media types and an artifact without layers")
  func dockerTypes() async throws {
    let image = try FakeImage(
      layers: [], platforms: ["linux/amd64"], types: (.dockerManifest, .dockerList))
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let summary = try await bench.pull("\(registry.host)/o/n")
    try bench.expectWhole(image)
    // The registry's digest is reported and kept; the layout names an OCI twin, which readers know.
    #expect(bench.store.document(summary.digest) != nil)
    let entry = try #require(try bench.store.index().manifests.first)
    #expect(entry.mediaType == .ociManifest && entry.digest != summary.digest)
    _ = try StoreMaintenance(store: bench.store).prune(olderThan: nil, keepBytes: nil, now: 0)
    let before = registry.server.requests.count
    #expect(try await bench.pull("\(registry.host)/o/n").fetched == 0)
    #expect(registry.server.requests.count == before + 1)
  }

  @Test("chooses the platform; a missing one lists those there are")
  func platforms() async throws {
    let image = try Self.image(layers: 1, platforms: ["linux/arm64", "linux/amd64", "linux/s390x"])
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .one(try Platform("windows/amd64"), isExplicit: true)
    let error = try await bench.failure(request)
    #expect(error.description.contains("linux/arm64, linux/amd64, linux/s390x"))
    #expect(error.category == .notFound)
    request.platforms = .one(try Platform("linux/s390x"), isExplicit: true)
    let summary = try await bench.pull(request)
    #expect(
      try bench.store.index()["\(registry.host)/o/n:latest"]?.platform?.architecture == "s390x")
    // What the tag names is the index; the image of it stands beside.
    #expect(summary.digest == image.manifest && summary.platform == "linux/s390x")
    #expect(try image.manifests[#require(summary.platformDigest)] != nil)
    let before = registry.server.requests.count
    try await bench.pull(request)
    #expect(registry.server.requests.count == before + 1)
  }

  @Test("all platforms are the index itself")
  func allPlatforms() async throws {
    let image = try Self.image(layers: 2, platforms: ["linux/arm64", "linux/amd64"])
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .all
    #expect(try await bench.pull(request).imageDigest == image.manifest)
    try bench.expectWhole(image)
    for digest in image.manifests.keys { #expect(bench.store.document(digest) != nil) }
    #expect(try StoreMaintenance(store: bench.store).images().map(\.isComplete) == [true])
  }

  @Test("layers are asked for together, once the configuration has shown where blobs are")
  func startsTogether() async throws {
    let image = try Self.image(layers: 3)
    let layers = image.layers.map(\.description)
    let arrived = Counter()
    let all = Gate()
    let registry = try FakeRegistry(image) { request in
      if layers.contains(where: request.target.contains) {
        if arrived.next() == 3 { all.open() }
        all.pass()
      }
      return nil
    }
    let bench = try Bench(stallTimeout: 50)
    var request = try bench.request("\(registry.host)/o/n")
    request.settings.minimumSegment = 1 << 20
    try await bench.pull(request)
    // On a busy machine one may be asked for again before the last of them is.
    #expect(arrived.value >= 3)
  }

  @Test("60 small layers: one request each, no more connections than workers and two")
  func smallLayers() async throws {
    let image = try FakeImage(layers: (0..<60).map { Content.bytes(20_000, seed: UInt64($0)) })
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    let summary = try await bench.pull("\(registry.host)/o/n", workers: 8)
    let requests = registry.blobRequests
    #expect(Set(requests.map(\.target)).count == 61)
    #expect(summary.fetched == image.blobs.values.reduce(0) { $0 + Int64($1.count) })
    // None is cut in two; on a busy machine the rest of one that is late may be asked for again.
    #expect(requests.allSatisfy { $0.range.map { $0.lowerBound > 0 } ?? true })
    #expect(registry.server.connections <= 10 + requests.count - 61)
  }

  @Test("hundreds of layers do not need hundreds of open files")
  func manyLayers() async throws {
    let image = try FakeImage(layers: (0..<700).map { Content.bytes(100 + $0, seed: UInt64($0)) })
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n", workers: 8)
    try bench.expectWhole(image)
  }

  @Test("an interrupted pull goes on from the bytes on disk, with another pool size")
  func resumes() async throws {
    let image = try FakeImage(layers: [Content.bytes(2_000_000, seed: 1)])
    let layer = try #require(image.blobs[image.layers[0]])
    let reached = Gate()
    let counter = Counter()
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("\(image.layers[0])"), let range = request.range,
        counter.next() > 8
      else { return nil }
      reached.open()
      let half = Array(layer[range.lowerBound..<(range.lowerBound + range.count / 2)])
      let head = Reply.head(
        206, length: range.count,
        [("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/2000000")])
      return .raw(head + half, .hang)
    }
    let bench = try Bench(stallTimeout: 50)
    var request = try bench.request("\(registry.host)/o/n", workers: 2)
    request.settings.maximumSegment = 100_000
    let puller = try bench.puller(request.reference)
    let task = Task { [request] () -> PullError? in
      do throws(PullError) {
        _ = try await puller.pull(request)
        return nil
      } catch {
        return error
      }
    }
    await reached.opened()
    task.cancel()
    let error = await task.value
    #expect(error?.category == .interrupted)
    #expect(error?.hint?.contains("again") == true)
    let descriptor = Descriptor(
      mediaType: MediaType(rawValue: "x/y"), digest: image.layers[0], size: Int64(layer.count))
    let kept = try #require(bench.store.holding(of: descriptor)).bytes

    let again = try FakeRegistry(image)
    let other = try Bench(store: bench.store)
    let summary = try await other.pull("\(again.host)/o/n", workers: 7)
    try other.expectWhole(image)
    // At least one whole segment had come before the one that got stuck.
    #expect(kept >= 64 << 10)
    #expect(summary.fetched <= image.blobs.values.reduce(0) { $0 + Int64($1.count) } - kept)
    // What is said to be here is what is not fetched.
    let present = other.display.log.all.lazy.compactMap { event -> Int64? in
      if case .resolved(_, _, _, _, _, _, let present) = event { present } else { nil }
    }.first
    #expect(present == summary.bytes - summary.fetched)
    #expect(
      again.blobRequests.filter { $0.target.contains("\(image.layers[0])") }.allSatisfy {
        $0.range != nil
      })
  }

  @Test("a stale map costs a second fetch, never a wrong blob")
  func staleMap() async throws {
    let image = try FakeImage(layers: [Content.bytes(500_000, seed: 1)])
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    try plant(
      [UInt8](repeating: 7, count: 200_000), for: image.layers[0], size: 500_000, in: bench.store)
    try await bench.pull("\(registry.host)/o/n")
    try bench.expectWhole(image)
  }

  /// Leaves the beginning of a blob in a store, as an earlier pull would.
  private func plant(_ bytes: [UInt8], for digest: Digest, size: Int64, in store: ContentStore)
    throws
  {
    let descriptor = Descriptor(mediaType: MediaType(rawValue: "x/y"), digest: digest, size: size)
    guard case .ours(let partial) = try store.beginIngest(descriptor) else {
      Issue.record("somebody has it")
      return
    }
    #expect(bytes.withUnsafeBytes { partial.write($0, at: 0) } == 0)
    try partial.record(0..<Int64(bytes.count))
  }

  @Test("two pulls of images with common layers fetch each once; the second waits and says so")
  func sharesBetweenPulls() async throws {
    let image = try Self.image(layers: 3, size: 400_000)
    let reached = Gate()
    let second = Gate()
    let registry = try FakeRegistry(image) { request in
      if request.target.contains("/blobs/") {
        reached.open()
        second.pass()
      }
      return nil
    }
    let one = try Bench(stallTimeout: 50)
    let two = try Bench(store: one.store, stallTimeout: 50)
    async let first = one.pull("\(registry.host)/o/n")
    await reached.opened()
    async let other = two.pull("\(registry.host)/o/n")
    try await eventually { two.display.states.contains(.elsewhere) }
    second.open()
    let fetched = try await (first.fetched, other.fetched)
    #expect(fetched.0 + fetched.1 == image.blobs.values.reduce(0) { $0 + Int64($1.count) })
    try one.expectWhole(image)
  }

  @Test("blobs that the manifest carries itself are not fetched")
  func inlineData() async throws {
    let image = try FakeImage(layers: []) { document in
      var config = document["config"] as? [String: Any] ?? [:]
      config["data"] = Data(
        #"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#.utf8
      ).base64EncodedString()
      document["config"] = config
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n")
    #expect(registry.blobRequests.isEmpty)
    try bench.expectWhole(image)
  }

  /// https://github.com/opencontainers/image-spec/issues/1025, https://github.com/bazelbuild/rules_docker/issues/41
  @Test("what everybody knows by its digest is not fetched", arguments: Digest.Algorithm.allCases)
  func knownContent(algorithm: Digest.Algorithm) async throws {
    let packed: [UInt8] = [
      0x00, 0xFF, 0x62, 0x18, 0x05, 0xA3, 0x60, 0x14, 0x8C, 0x58, 0x00, 0x08, 0x00, 0x00, 0xFF,
      0xFF, 0x2E, 0xAF, 0xB5, 0xEF, 0x00, 0x04, 0x00, 0x00,
    ]
    let emptyLayers = [[0x00, 0x09, 0x6E, 0x88], [0, 0, 0, 0]].map {
      [0x1F, 0x8B, 0x08, 0x00] + $0 + packed
    }
    let nothing = try Digest.of(Array("{}".utf8), algorithm)
    let image = try FakeImage(layers: emptyLayers) { document in
      document["artifactType"] = "application/vnd.example"
      document["config"] = [
        "mediaType": "application/vnd.oci.empty.v1+json", "digest": "\(nothing)", "size": 2,
      ]
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n")
    #expect(registry.blobRequests.isEmpty)
    #expect(try readFile(bench.store.path(of: nothing)) == Array("{}".utf8))
    for (layer, bytes) in zip(image.layers, emptyLayers) {
      #expect(try readFile(bench.store.path(of: layer)) == bytes)
    }
  }

  @Test(
    "layers with urls come from there when the registry has none, without credentials (CVE-2020-15157)"
  )
  func foreignLayers() async throws {
    let content = Content.bytes(90_000, seed: 9)
    let elsewhere = try RawServer { FakeRegistry.blob(content, $0.range) }
    let image = try FakeImage(layers: [content]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["urls"] = ["file:///etc/passwd", "http://\(elsewhere.host)/layer"]
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image) { request in
      if request["authorization"] == nil {
        return .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")])
      }
      return request.target.contains("\(image.layers[0])") ? .status(404) : nil
    }
    let bench = try Bench()
    try await bench.pull(
      bench.request("\(registry.host)/o/n"),
      credentials: CredentialChain(explicit: .basic(user: "u", password: "p")))
    try bench.expectWhole(image)
    #expect(!elsewhere.requests.isEmpty)
    #expect(elsewhere.requests.allSatisfy { $0["authorization"] == nil })
  }

  @Test(
    "a redirect's target is remembered for the blob's other ranges, and asked for again when it expires"
  )
  func rememberedRedirects() async throws {
    let image = try FakeImage(layers: [Content.bytes(3_000_000, seed: 1)])
    let layer = try #require(image.blobs[image.layers[0]])
    let count = Counter()
    let cdn = try RawServer { request in
      let number = count.next()
      // The place expires once, in the middle.
      return number == 6 ? .status(403) : FakeRegistry.blob(layer, request.range)
    }
    let registry = try FakeRegistry(image) { request in
      request.target.contains("\(image.layers[0])")
        ? .status(307, [("Location", "http://\(cdn.host)/signed?token=x")]) : nil
    }
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n", workers: 1)
    request.settings.maximumSegment = 200_000
    try await bench.pull(request)
    try bench.expectWhole(image)
    let asked = registry.blobRequests.count { $0.target.contains("\(image.layers[0])") }
    // Once at first and once when it has expired; where a busy machine makes an answer late, once more.
    #expect(asked >= 2)
    #expect(count.value > 2 * asked)
    #expect(cdn.requests.allSatisfy { $0["authorization"] == nil })
  }

  @Test("a token that expires in the middle is replaced")
  func tokenExpires() async throws {
    let image = try Self.image(layers: 4)
    let tokens = Counter()
    let used = Counter()
    let registry = try FakeRegistry(image) { request in
      if request.target.hasPrefix("/token") { return .ok(#"{"token":"t\#(tokens.next())"}"#) }
      let isGood = request["authorization"] == "Bearer t\(tokens.value)" && used.next() % 5 != 0
      let challenge = "Bearer realm=\"http://\(request["host"] ?? "")/token\""
      return isGood ? nil : .status(401, [("WWW-Authenticate", challenge)])
    }
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n", workers: 3)
    try bench.expectWhole(image)
    #expect(tokens.value >= 2)
  }

  @Test("outputs are written beside the store, and checked before anything is fetched")
  func outputs() async throws {
    let image = try Self.image(layers: 1)
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.outputs = [
      try OutputTarget("dir:\(bench.folder("d"))"), try OutputTarget("oci:\(bench.folder("o")):x"),
    ]
    try await bench.pull(request)
    #expect(
      try readFile(bench.folder("d") + "/\(image.layers[0].hex)") == image.blobs[image.layers[0]])
    let before = registry.server.requests.count
    let error = try await bench.failure(request)
    #expect(error.description.contains("--overwrite"))
    #expect(error.category == .disk)
    #expect(registry.server.requests.count == before)
  }

  @Test("warns when an image without an index is for another platform than was named")
  func warnsAboutPlatform() async throws {
    let registry = try FakeRegistry(Self.image(layers: 1))
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n")
    request.platforms = .one(try Platform("linux/arm64"), isExplicit: true)
    try await bench.pull(request)
    #expect(
      bench.display.warnings.contains { $0.contains("it is for linux/amd64, not for linux/arm64") })
  }
}
