import Disk
import Downloads
import FoundationEssentials
package import OCI
package import Progress
package import Registry
package import Store
import Tuning

/// One pull from reference to published image.
package struct Puller: Sendable {
  private let client: RepositoryClient
  /// Where the image goes.
  package let store: ContentStore
  /// Shows what happens.
  package let display: any ProgressDisplay

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

  /// Pulls as a part of a run; cancelling the task interrupts it, and what arrived is kept.
  ///
  /// - Parameters:
  ///   - request: what to pull; how downloads of its path are run, the run knows.
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
    try Self.output { () throws(StoreError) in
      for output in request.outputs {
        try writer.check(output, isIndex: request.platforms == .all)
      }
    }
    let lock = try PullError.disk { () throws(StoreError) in try store.lockForUse() }
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
    let blobs = try LabelledBlob.all(of: wanted.manifests.map(\.manifest), request.reference)
    try Self.output { () throws(StoreError) in
      guard !request.outputs.isEmpty else { return }
      var form = LayoutForm(store: store, saves: false)
      let image = try form.image(wanted, reference: request.reference)
      for output in request.outputs {
        try writer.check(output, of: wanted.manifests.map(\.manifest), in: image)
      }
    }
    let archive = ArchiveCheck(request.outputs, wanted, request.reference)
    try await archive?.ahead(resolver)
    let stock = BlobStock(store: store) { [display] in display.show(.warning($0)) }
    var missing = try stock.missing(of: blobs)
    try announce(request.reference, wanted, blobs, missing)
    if try stock.storeInlineData(of: blobs) { missing = try stock.missing(of: blobs) }
    let source = BlobSource(client: client, blobHost: request.blobHost)
    let (cost, shared) = try await download(
      blobs, missing: missing, request, from: source, in: run, resolution.roundTripSeconds)
    let path = missing.isEmpty ? nil : await run.downloads.report(of: source)
    warnAboutConfigurations(request, resolution)
    var form = LayoutForm(store: store)
    let image = try PullError.disk { () throws(StoreError) in
      try form.image(wanted, reference: request.reference)
    }
    for note in form.notes { display.show(.warning(note)) }
    try publish(image, wanted, request)
    try archive?.content(in: store)
    if let note = archive?.note(in: store) { display.show(.warning(note)) }
    for output in request.outputs {
      try Self.output { () throws(StoreError) in try writer.write(image, to: output) }
      display.show(.wrote(output: output.name))
    }
    var summary = Self.summary(of: wanted, blobs, request, cost, path, since: start)
    summary.blobsPresent = blobs.count - missing.count
    summary.blobsShared = shared
    return summary
  }

  /// Does what an output may not let it do.
  private static func output(
    _ body: () throws(StoreError) -> Void
  ) throws(PullError) {
    do throws(StoreError) { try body() } catch { throw .output(error) }
  }

  /// What a pull was like, but for whose its blobs are.
  private static func summary(
    of wanted: WantedImage, _ blobs: [LabelledBlob], _ request: Request,
    _ cost: DownloadProgress.Cost, _ path: PullReport?, since start: Double
  ) -> ProgressEvent.Summary {
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

  /// Says what will be pulled, and fails where there is no room for it.
  private func announce(
    _ reference: Reference, _ wanted: WantedImage, _ blobs: [LabelledBlob],
    _ missing: [LabelledBlob]
  ) throws(PullError) {
    if store.isOnlyRead, !missing.isEmpty {
      throw .store(
        .refused(
          "the store \(store.root) cannot be written, and lacks \(missing.count) of "
            + "\(blobs.count) blobs of \(reference)"))
    }
    let bytes = blobs.reduce(0) { $0 + $1.descriptor.size }
    let left = missing.map { $0.descriptor.size - store.keptBytes(of: $0.descriptor) }.clampedSum
    display.show(
      .resolved(
        reference: reference.description,
        digest: wanted.root.digest, platform: wanted.source.platform?.description,
        platformDigest: wanted.platformDigest, blobs: blobs.count, bytes: bytes,
        present: bytes - left))
    guard !store.isOnlyRead else { return }
    try PullError.disk { () throws(StoreError) in
      try store.requireSpace(for: missing.map(\.descriptor))
    }
  }

  private func publish(
    _ image: StoredImage, _ wanted: WantedImage, _ request: Request
  ) throws(PullError) {
    guard !store.isOnlyRead else { return }
    let name = request.storeName ?? request.reference.storeName
    let entry = wanted.entry(for: image.root, in: store, at: Date().timeIntervalSince1970)
    try PullError.disk { () throws(StoreError) in
      try store.syncNames()
      try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
        // A repair knows no more than what the store calls the image.
        try request.storeName == nil ? index.place(name, entry) : index.renew(name, entry)
      }
    }
  }

  /// What configurations say otherwise than the user, the index or the manifest.
  private func warnAboutConfigurations(_ request: Request, _ resolution: ImageResolver.Resolution) {
    for document in resolution.manifests {
      guard case .manifest(let manifest) = document.content, manifest.isImage != false,
        let config = store.document(manifest.config.digest).flatMap({ ImageConfig(json: $0) })
      else { continue }
      let words = ConfigurationCheck(
        reference: request.reference, manifest: manifest, config: config,
        named: document.descriptor.platform,
        wanted: resolution.isWithoutIndex ? request.platforms.named : nil
      ).objections
      for objection in words { display.show(.warning(objection)) }
    }
  }
}

extension Reference {
  /// The name of the image in the store: with the tag or the digest that was asked for.
  package var storeName: String {
    digest.map { pinned(to: $0).description } ?? description
  }
}
