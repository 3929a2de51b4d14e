import Disk
package import Downloads
import FoundationEssentials
package import OCI
package import Progress
package import Registry
package import Scheduling
package import Store
package import Tuning

/// One pull from reference to published image.
package struct Puller: Sendable {
  /// What is to be pulled, and where to.
  package struct Request: Sendable {
    /// The image.
    package var reference: Reference
    /// Which of an index's images.
    package var platforms: ImageResolver.PlatformChoice
    /// Where it is written beside the store.
    package var outputs: [OutputTarget] = []
    /// Whether outputs that exist are replaced.
    package var overwrites = false
    /// Whether large blobs of outputs may be hard links to the store's.
    package var linksOutputs = false
    /// Decides the pool size.
    package var policy: any Policy
    /// The image's name in the store, where it is another than the reference's.
    package var storeName: String?
    /// The host that served the registry's blobs the last time; nil: not known.
    package var blobHost: String?
    /// What bounds the scheduler's choices.
    package var settings = SchedulerSettings()
    /// Told what the downloads were like when they have ended, well or not; not called where there
    /// were none.
    package var report: @Sendable (PullReport) -> Void = { _ in }
    /// Told every sample and decision, as they come.
    package var trace: (@Sendable (TraceStep) -> Void)?

    /// Makes a request.
    package init(
      reference: Reference, platforms: ImageResolver.PlatformChoice, policy: any Policy
    ) {
      self.reference = reference
      self.platforms = platforms
      self.policy = policy
    }
  }

  private let client: RepositoryClient
  private let store: ContentStore
  private let display: any ProgressDisplay

  /// Makes a puller.
  ///
  /// - Parameters:
  ///   - client: of the image's repository.
  ///   - store: where the image goes.
  ///   - display: shows what happens.
  package init(client: RepositoryClient, store: ContentStore, display: any ProgressDisplay) {
    self.client = client
    self.store = store
    self.display = display
  }

  /// Pulls one image in a run of its own; cancelling the task interrupts it, and what arrived is kept.
  ///
  /// - Parameter request: what to pull.
  /// - Throws: `PullError`.
  package func pull(_ request: Request) async throws(PullError) -> ProgressEvent.Summary {
    let plan = PathPlan(policy: request.policy, settings: request.settings, trace: request.trace)
    let run = PullRun(store: store, display: display) { _, _ in plan }
    let outcome: Result<ProgressEvent.Summary, PullError>
    do throws(PullError) {
      outcome = .success(try await pull(request, in: run))
    } catch {
      outcome = .failure(error)
    }
    for report in await run.close() { request.report(report) }
    return try outcome.get()
  }

  /// Pulls as a part of a run; cancelling the task interrupts it, and what arrived is kept.
  ///
  /// - Parameters:
  ///   - request: what to pull; how its path is run says the run.
  ///   - run: shared by all images that are pulled together.
  /// - Throws: `PullError`.
  package func pull(_ request: Request, in run: PullRun) async throws(PullError)
    -> ProgressEvent.Summary
  {
    let start = Timekeeper.monotonicSeconds()
    display.show(.started(reference: request.reference.description))
    let store = store
    let display = display
    let writer = ImageWriter(
      store: store, overwrites: request.overwrites, links: request.linksOutputs
    ) { display.show(.warning($0)) }
    let lock = try disk { () throws(StoreError) in
      for output in request.outputs {
        try writer.check(output, isIndex: request.platforms == .all)
      }
      return try store.lockForUse()
    }
    sayNotes()
    let summary = try await client.followingTag(
      warn: { display.show(.warning($0)) }
    ) { () async throws(PullError) in try await fetch(request, writer, run, since: start) }
    withExtendedLifetime(lock) {}
    sayNotes()
    return summary
  }

  /// Resolves the reference, downloads what is missing, publishes the image and writes the outputs.
  private func fetch(
    _ request: Request, _ writer: ImageWriter, _ run: PullRun, since start: Double
  ) async throws(PullError) -> ProgressEvent.Summary {
    let store = store
    let resolver = ImageResolver(
      client: client, load: { store.document($0) }, save: { try store.put($0, as: $1) },
      sizeHere: { store.size(of: $0) })
    let resolution = try await resolver.resolve(request.platforms)
    for note in resolution.notes { display.show(.warning(note)) }
    let wanted = WantedImage(resolution, takesAll: request.platforms == .all)
    let blobs = try Self.blobs(of: wanted.manifests.map(\.manifest), request.reference)
    try disk { () throws(StoreError) in
      for output in request.outputs {
        try writer.check(output, of: wanted.manifests.map(\.manifest))
      }
    }
    let archive = ArchiveCheck(request.outputs, wanted, request.reference)
    try await archive?.ahead(resolver)
    var missing = try missing(of: blobs)
    try announce(request.reference, wanted, blobs, missing)
    if try storeInlineData(of: blobs) { missing = try self.missing(of: blobs) }
    let source = BlobSource(client: client, blobHost: request.blobHost)
    let (cost, shared) = try await download(
      blobs, missing: missing, request, from: source, in: run, resolution.roundTripSeconds)
    let path = missing.isEmpty ? nil : await run.downloads.report(of: source)
    warnAboutPlatform(request, resolution)
    var form = LayoutForm(store: store)
    let image = try disk { () throws(StoreError) in
      try form.image(wanted, reference: request.reference)
    }
    for note in form.notes { display.show(.warning(note)) }
    try publish(image, wanted, request)
    try archive?.content(in: store)
    for output in request.outputs {
      try disk { () throws(StoreError) in try writer.write(image, to: output) }
      display.show(.wrote(output: output.name))
    }
    let verdict = path.map { Verdict($0.record.evidence) }
    var summary = ProgressEvent.Summary(
      reference: request.reference.description, digest: wanted.root.digest,
      bytes: blobs.reduce(0) { $0 + $1.size }, fetched: cost.fetched,
      seconds: Timekeeper.monotonicSeconds() - start, requests: cost.requests,
      connections: cost.connections, retries: cost.retries,
      poolSize: path?.decisions.last?.decision.poolSize ?? 0,
      limitedBy: verdict?.words)
    summary.limit = verdict.map { .init(cause: $0.word, evidence: $0.numbers) }
    summary.platform = wanted.source.platform?.description
    summary.platformDigest = wanted.platformDigest
    summary.blobs = blobs.count
    summary.blobsPresent = blobs.count - missing.count
    summary.blobsShared = shared
    return summary
  }

  /// Wants what is missing, and waits for it.
  ///
  /// - Returns: what it cost, without what others wanted before, and how many blobs that was.
  private func download(
    _ blobs: [LabelledBlob], missing: [LabelledBlob], _ request: Request,
    from source: BlobSource, in run: PullRun, _ roundTripSeconds: Double?
  ) async throws(PullError) -> (cost: DownloadProgress.Cost, shared: Int) {
    let name = request.reference.description
    run.board.add(name, blobs, missing: Set(missing.map(\.digest)))
    guard !missing.isEmpty else { return (DownloadProgress.Cost(), 0) }
    let wishes = LabelledBlob.inOrderOfFetching(missing).map {
      Wish($0.descriptor, label: $0.label, owner: name)
    }
    let downloads = await run.downloads.want(
      wishes, from: source, roundTripSeconds: roundTripSeconds)
    let failure = await Download.end(of: downloads)
    if let failure {
      await run.downloads.leave(downloads)
      throw PullError(failure, blobs: blobs, missing: missing, downloads)
    }
    let own = downloads.filter { !$0.isShared }
    let cost = own.reduce(into: DownloadProgress.Cost()) { $0.add($1.progress.cost) }
    return (cost, downloads.count - own.count)
  }

  /// Says what the file systems of the store and of the outputs cannot do.
  private func sayNotes() {
    for words in FileSystemNotes.process.take() { display.show(.warning(words)) }
  }

  private static func blobs(of manifests: [Manifest], _ reference: Reference) throws(PullError)
    -> [LabelledBlob]
  {
    var blobs: [LabelledBlob] = []
    var sizes: [Digest: Int64] = [:]
    for manifest in manifests {
      let labels = ["config"] + manifest.layers.indices.map { "layer \($0 + 1)" }
      for (blob, label) in zip([manifest.config] + manifest.layers, labels) {
        if let size = sizes[blob.digest] {
          guard size == blob.size else {
            throw .document(
              .invalidDocument(reason: "it gives \(blob.digest.short) two sizes"),
              what: reference.description)
          }
          continue
        }
        let isNothing = (try? Digest.of(Data(), blob.digest.algorithm)) == blob.digest
        guard isNothing == (blob.size == 0) else {
          // Whatever a server has, it cannot be right.
          throw .document(
            .invalidDocument(
              reason: blob.size == 0
                ? "it says that \(label) has 0 bytes, and \(blob.digest.short) is not the digest of nothing"
                : "it says that \(label) has \(blob.size) bytes, and \(blob.digest.short) is the digest of nothing"
            ), what: reference.description)
        }
        sizes[blob.digest] = blob.size
        blobs.append(
          LabelledBlob(descriptor: blob, label: label, isConfiguration: label == labels[0]))
      }
    }
    guard blobs.map(\.descriptor.size).clampedSum <= ImageDocument.sizeLimit else {
      throw .document(
        .invalidDocument(reason: "the sizes of its layers do not fit 64 bits"),
        what: reference.description)
    }
    return blobs
  }

  private func announce(
    _ reference: Reference, _ wanted: WantedImage, _ blobs: [LabelledBlob],
    _ missing: [LabelledBlob]
  ) throws(PullError) {
    let bytes = blobs.reduce(0) { $0 + $1.descriptor.size }
    let left = missing.reduce(0) { $0 + $1.descriptor.size }
    display.show(
      .resolved(
        reference: reference.description,
        digest: wanted.root.digest, platform: wanted.source.platform?.description,
        platformDigest: wanted.platformDigest, blobs: blobs.count, bytes: bytes,
        present: bytes - left))
    try disk { () throws(StoreError) in
      try store.requireSpace(for: missing.map(\.descriptor))
    }
  }

  /// The blobs that the store has not, or no longer as they were.
  private func missing(of blobs: [LabelledBlob]) throws(PullError) -> [LabelledBlob] {
    var missing: [LabelledBlob] = []
    for blob in blobs {
      let (isThere, isRight) = try disk { () throws(StoreError) in
        (store.contains(blob.descriptor), try store.holds(blob.descriptor))
      }
      if isRight { continue }
      missing.append(blob)
      if isThere {
        let digest = blob.descriptor.digest.short
        display.show(
          .warning("\(digest) was changed in the store since it was fetched: it is fetched again"))
      }
    }
    return missing
  }

  /// Puts blobs that the manifest carries itself into the store; true where there were any.
  private func storeInlineData(of blobs: [LabelledBlob]) throws(PullError) -> Bool {
    var isAny = false
    for blob in blobs.map(\.descriptor) {
      guard let data = blob.data, Int64(data.count) == blob.size,
        (try? Digest.of(data, blob.digest.algorithm)) == blob.digest
      else { continue }
      try disk { () throws(StoreError) in try store.put(data, as: blob.digest) }
      isAny = true
    }
    return isAny
  }

  private func publish(
    _ image: StoredImage, _ wanted: WantedImage, _ request: Request
  ) throws(PullError) {
    let name = request.storeName ?? request.reference.storeName
    let entry = wanted.entry(for: image.root, in: store, at: Date().timeIntervalSince1970)
    try disk { () throws(StoreError) in
      try store.syncNames()
      try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
        // A repair knows no more than what the store calls the image.
        try request.storeName == nil ? index.place(name, entry) : index.renew(name, entry)
      }
    }
  }

  /// An image without an index can be for another platform than the one the user named.
  private func warnAboutPlatform(_ request: Request, _ resolution: ImageResolver.Resolution) {
    guard case .one(let wanted, true) = request.platforms,
      case .manifest(let manifest) = resolution.root.content,
      let data = store.document(manifest.config.digest),
      let own = ImageConfig(json: data)?.platform
    else { return }
    if wanted.preference(for: own) == nil {
      display.show(
        .warning(ImageResolver.mismatch(request.reference, own, wanted)))
    }
  }

  private func disk<Value>(_ body: () throws(StoreError) -> Value) throws(PullError) -> Value {
    do throws(StoreError) {
      return try body()
    } catch {
      throw .store(error)
    }
  }
}

extension Reference {
  /// The name of the image in the store: with its tag where it has one.
  package var storeName: String {
    if let tag { return "\(registry)/\(repository):\(tag)" }
    return description
  }
}
