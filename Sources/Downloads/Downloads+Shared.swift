import OCI
import Registry
import Store

/// Shared downloads, from the queue to the store.
extension Downloads {
  /// Opens the next blobs, as far as files may be open.
  func refill() {
    while let download = queue.next() {
      download.pool.expectNoLonger(download)
      begin(download)
    }
    for pool in pools.values where !pool.wanted.isEmpty { pool.handle(.tick) }
    takeInFailures()
  }

  /// Changes who wants a download, and with that how soon it is needed.
  func change(_ download: SharedDownload, _ change: (SharedDownload) -> Void) {
    let (before, readers) = ((download.urgency, download.wholeUrgency), download.readers)
    let isNew = download.wanters.isEmpty && download.blob == nil
    change(download)
    if let blob = download.blob, download.readers != readers {
      download.pool.tellReaders(of: download, blob)
    }
    let after = (download.urgency, download.wholeUrgency)
    guard after != before || isNew, !download.wanters.isEmpty else { return }
    if let blob = download.blob {
      download.pool.handle(.urgency(blob, after.1))
    } else {
      queue.place(download, download.urgency)
    }
  }

  /// Begins a download, where no other process is at it, or where that one does not get on.
  func begin(_ download: SharedDownload) {
    let ingest: ContentStore.Ingest
    do throws(DownloadError) {
      let first = try beginIngest(download)
      ingest = if case .busy = first { try lookAtOther(download) } else { first }
    } catch {
      download.pool.fail(download, error)
      return
    }
    switch ingest {
    case .present:
      finish(download, .present)
    case .busy:
      if download.progress.state != .elsewhere { queue.wait(for: download) }
      download.pool.set(download, .elsewhere)
    case .ours(let partial):
      queue.open(download)
      download.patience = nil
      download.progress.process = nil
      download.partial = partial
      take(download.wish.glimpse, partial)
      guard register(download, partial) else { return }
      download.pool.begin(download, partial)
    }
  }

  private func beginIngest(_ download: SharedDownload) throws(DownloadError) -> ContentStore.Ingest
  {
    do {
      return try store.beginIngest(
        download.wish.blob, as: download.name, takesHeld: download.wish.isBrought())
    } catch { throw .store(error) }
  }

  /// Writes down what came of a blob before it was wanted; where that cannot be, it is fetched like the rest.
  private func take(_ glimpse: (offset: Int64, bytes: [UInt8]), _ partial: PartialBlob) {
    let (end, isOver) = glimpse.offset.addingReportingOverflow(Int64(glimpse.bytes.count))
    guard !glimpse.bytes.isEmpty, glimpse.offset >= 0, !isOver, end <= partial.descriptor.size,
      partial.have.intersection(RangeSet(glimpse.offset..<end)).isEmpty,
      glimpse.bytes.withUnsafeBytes({ partial.write($0, at: glimpse.offset) }) == 0
    else { return }
    try? partial.record(glimpse.offset..<end)
  }

  /// Looks how far another process is, and goes on in its place where nothing comes there any more.
  private func lookAtOther(
    _ download: SharedDownload
  ) throws(DownloadError) -> ContentStore.Ingest {
    guard let holding = store.holding(of: download.wish.blob) else { return .busy }
    download.progress.done = holding.bytes
    download.progress.process = holding.process
    download.progress.isStopped = holding.isStopped
    var patience = download.patience ?? Patience(bytes: holding.bytes, limits)
    let (gained, isOver) = patience.look(holding.bytes)
    download.patience = patience
    overall.bytesOfOthers += gained
    if gained > 0 { download.lastError = nil }
    guard isOver else { return .busy }
    // Whoever has tried in vain himself does not take it back: two would do so in turn for ever.
    if let error = download.lastError { throw .registry(error) }
    // Whatever comes of it, whoever is at it then has the whole time.
    download.patience = nil
    let ingest: ContentStore.Ingest
    do { ingest = try store.takeOver(download.wish.blob) } catch { throw .store(error) }
    if case .ours = ingest {
      tell(
        .takenOver(download.wish, process: holding.process, seconds: limits.stallTimeout))
    }
    return ingest
  }

  /// Another process has taken a blob over: what is written here counts for nothing, so it is waited for.
  func lose(_ download: SharedDownload) {
    guard download.partial != nil else { return }
    download.pool.abandon([download])
    // What failed before bytes came says nothing of the place that they come from.
    if download.progress.done > download.had { download.lastError = nil }
    verifier.forget(download.name)
    download.board.open(nil)
    if let blob = download.blob { download.pool.forget(blob) }
    download.blob = nil
    download.partial = nil
    queue.close()
    queue.wait(for: download)
    download.pool.set(download, .elsewhere)
  }

  /// Has a blob hashed as it arrives.
  private func register(_ download: SharedDownload, _ partial: PartialBlob) -> Bool {
    let (inbox, id, board) = (inbox, download.id, download.board)
    board.open(partial.reader) { partial.end(ofStretchWith: $0) }
    do throws(StoreError) {
      try verifier.add(partial, hashed: { board.hashed($0) }) {
        inbox.yield(.verified(download: id, $0))
      }
      return true
    } catch {
      download.pool.fail(download, .store(error))
      return false
    }
  }

  /// Takes in how a blob turned out.
  func verified(_ download: SharedDownload, _ outcome: Verifier.Outcome) {
    switch outcome {
    case .published:
      download.pool.finishRequests(of: download)
      finish(download, .done)
      refill()
    case .lost:
      lose(download)
    case .failed(let error):
      download.pool.fail(download, .store(error))
    case .wrongDigest(let found):
      damaged(download, found: found)
    }
  }

  /// Wrong content is fetched again, all of it: from somebody else where a mirror sent some of it,
  /// else once more.
  private func damaged(_ download: SharedDownload, found: Digest) {
    guard let partial = download.partial else { return }
    let (wish, blob) = (download.wish, download.wish.blob)
    let (senders, othersAreLeft) = download.source.blame(blob)
    if !othersAreLeft { download.damages += 1 }
    download.lent.isAlone = true
    do throws(StoreError) {
      try partial.startOver()
    } catch {
      download.pool.fail(download, .store(error))
      return
    }
    let hosts = senders.joined(separator: " and ")
    let origin = senders.isEmpty ? "" : " from \(hosts)"
    guard download.damages < 2 else {
      download.pool.fail(
        download,
        .integrity(
          "\(wish.label) of \(wish.owner) is damaged"
            + (senders.isEmpty ? "" : ", as \(hosts) sent it")
            + ": its digest is \(found), the manifest says \(blob.digest)"))
      return
    }
    let next = othersAreLeft ? "asking the next server" : "fetching it again"
    download.board.startOver()
    tell(.damaged(wish, origin: origin, next: next))
    guard register(download, partial) else { return }
    download.pool.beginAgain(download)
  }

  // MARK: Ends

  private func finish(_ download: SharedDownload, _ state: DownloadProgress.State) {
    download.endedAt = download.pool.now.seconds
    var progress = download.progress
    if state == .done { progress.cost.fetched += max(0, progress.size - progress.done) }
    progress.done = progress.size
    download.progress = progress
    download.pool.set(download, state)
    forget(download)
    if state == .done, download.name.isApart { download.wish.arrived() }
    // Before anybody hears that it is done: a short pull is over between two ticks.
    if shared.isEmpty { show() }
    do throws(StoreError) {
      if download.urgency == .read, download.board.reader == nil {
        download.board.open(try store.reader(of: download.wish.blob))
      } else if download.urgency != .read {
        download.board.open(nil)
      }
      download.board.end(.success(()))
    } catch {
      download.board.end(.failure(.store(error)))
    }
  }

  /// Takes in what the pools could not go on with.
  func takeInFailures() {
    for pool in pools.values where !pool.failedDownloads.isEmpty {
      let failed = pool.failedDownloads
      pool.failedDownloads = []
      for download in failed {
        let error = download.failure ?? .stopped
        if !goOn(download, after: error) { breakOff([download], error) }
      }
    }
  }

  /// Goes on with what another wanter has brought, where what one has brought could not give it: his registry
  /// may have it, or let him.
  ///
  /// - Returns: false where nobody is left to ask, or it is no matter of who is asked.
  private func goOn(_ download: SharedDownload, after error: DownloadError) -> Bool {
    guard let partial = download.partial, shared[download.id] != nil else { return false }
    let isDamaged = if case .integrity = error { true } else { false }
    let isOfRegistry = if case .registry = error { true } else { false }
    guard isDamaged || isOfRegistry else { return false }
    let failed = download.source
    download.lent.remove(failed)
    guard let heir = download.lent.heir else { return false }
    download.pool.abandon([download])
    if let blob = download.blob { download.pool.forget(blob) }
    (download.blob, download.failure, download.lastError) = (nil, nil, nil)
    inherit(download, heir)
    letGo(failed, isDone: false)
    if isDamaged {
      download.damages = 0
      download.board.startOver()
      // What it fails with then is the disk's.
      guard register(download, partial) else { return true }
    }
    download.pool.begin(download, partial)
    return true
  }

  /// Ends downloads before their end: nothing more is written of them, and what arrived is noted.
  func breakOff(_ group: [SharedDownload], _ error: DownloadError) {
    let group = group.filter { shared[$0.id] != nil }
    for download in group { download.pool.hasLostNothing = false }
    for (_, ofPool) in Dictionary(grouping: group, by: \.pool.number) {
      ofPool.first?.pool.abandon(ofPool)
    }
    for download in group {
      verifier.forget(download.name)
      forget(download)
      download.board.end(.failure(error))
    }
  }

  private func forget(_ download: SharedDownload) {
    let pool = download.pool
    shared.remove(download)
    if queue.remove(download) { pool.expectNoLonger(download) }
    if download.partial != nil { queue.close() }
    download.partial = nil
    pool.keep(download)
    pool.wanted[download.id] = nil
    if let blob = download.blob { pool.forget(blob) }
    if pool.wanted.isEmpty { pool.clock.pause() }
    for source in download.lent.all { letGo(source, isDone: download.endedAt != nil) }
  }

  // MARK: Sources

  /// Goes on with what another wanter has brought: what one shows to a registry is used for him
  /// alone, and goes with him.
  func inherit(_ download: SharedDownload, _ heir: BlobSource) {
    guard download.lent.turn(to: heir) else { return }
    download.pool.use(heir)
  }

  /// Lets go of a source that nothing is fetched from any more, where something was.
  ///
  /// - Parameter isDone: whether it has brought what it was asked for; else nobody comes for what
  ///   was asked ahead.
  func letGo(_ source: BlobSource, isDone: Bool) {
    let isUsed = pools.values.contains { $0.sources.contains { $0 === source } }
    guard isUsed, !shared.all.contains(where: { $0.lent.has(source) }) else { return }
    Task {
      if !isDone { await source.close() }
      let tokenService = await source.tokenService
      // It may be in use again.
      guard !shared.all.contains(where: { $0.lent.has(source) }) else { return }
      for pool in pools.values { pool.drop(source, tokenService) }
    }
  }
}
