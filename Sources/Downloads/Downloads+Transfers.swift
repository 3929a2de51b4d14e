import OCI
import Registry
import Store

/// Transfers, from the queue to the store.
extension Downloads {
  /// Opens the next blobs, as far as files may be open.
  func refill() {
    while let transfer = queue.next() {
      transfer.pool.scheduler.bytesToCome -= transfer.size
      begin(transfer)
    }
    for pool in pools.values where !pool.wanted.isEmpty { pool.handle(.tick) }
    settle()
  }

  /// Changes who wants a transfer, and with that how soon it is needed.
  func change(_ transfer: Transfer, _ change: (Transfer) -> Void) {
    let (before, readers) = (transfer.urgency, transfer.readers)
    let isNew = transfer.wanters.isEmpty && transfer.blob == nil
    change(transfer)
    if let blob = transfer.blob, transfer.readers != readers {
      transfer.pool.handle(.readers(blob, at: transfer.readers))
    }
    guard transfer.urgency != before || isNew, !transfer.wanters.isEmpty else { return }
    if let blob = transfer.blob {
      transfer.pool.handle(.urgency(blob, transfer.urgency))
    } else {
      queue.place(transfer, transfer.urgency)
    }
  }

  /// Begins a transfer, where no other process is at it, or where that one does not get on.
  func begin(_ transfer: Transfer) {
    let ingest: ContentStore.Ingest
    do throws(StoreError) {
      let first = try store.beginIngest(
        transfer.wish.blob, as: transfer.name, takesHeld: transfer.wish.isBrought())
      ingest = if case .busy = first { try lookAtOther(transfer) } else { first }
    } catch {
      transfer.pool.fail(transfer, .store(error))
      return
    }
    switch ingest {
    case .present:
      finish(transfer, .present)
    case .busy:
      if transfer.progress.state != .elsewhere { queue.wait(for: transfer) }
      transfer.pool.set(transfer, .elsewhere)
    case .ours(let partial):
      queue.open(transfer)
      transfer.patience = nil
      transfer.progress.process = nil
      transfer.partial = partial
      take(transfer.wish.glimpse, partial)
      guard register(transfer, partial) else { return }
      transfer.pool.begin(transfer, partial)
    }
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
  private func lookAtOther(_ transfer: Transfer) throws(StoreError) -> ContentStore.Ingest {
    guard let holding = store.holding(of: transfer.wish.blob) else { return .busy }
    transfer.progress.done = holding.bytes
    transfer.progress.process = holding.process
    transfer.progress.isStopped = holding.isStopped
    var patience = transfer.patience ?? Patience(bytes: holding.bytes, limits)
    let (gained, isOver) = patience.look(holding.bytes)
    transfer.patience = patience
    overall.bytesOfOthers += gained
    guard isOver else { return .busy }
    // Whatever comes of it, whoever is at it then has the whole time.
    transfer.patience = nil
    let ingest = try store.takeOver(transfer.wish.blob)
    if case .ours = ingest {
      tell(
        .takenOver(transfer.wish, process: holding.process, seconds: limits.stallTimeout))
    }
    return ingest
  }

  /// Another process has taken a blob over: what is written here counts for nothing, so it is waited for.
  func lose(_ transfer: Transfer) {
    guard transfer.partial != nil else { return }
    transfer.pool.abandon([transfer])
    verifier.forget(transfer.name)
    transfer.board.open(nil)
    if let blob = transfer.blob { transfer.pool.forget(blob) }
    transfer.blob = nil
    transfer.partial = nil
    queue.close()
    queue.wait(for: transfer)
    transfer.pool.set(transfer, .elsewhere)
  }

  /// Has a blob hashed as it arrives.
  private func register(_ transfer: Transfer, _ partial: PartialBlob) -> Bool {
    let (inbox, id, board) = (inbox, transfer.id, transfer.board)
    board.open(partial.reader) { partial.end(ofStretchWith: $0) }
    do throws(StoreError) {
      try verifier.add(partial, hashed: { board.hashed($0) }) { inbox.yield(.verified(id, $0)) }
      return true
    } catch {
      transfer.pool.fail(transfer, .store(error))
      return false
    }
  }

  /// Takes in how a blob turned out.
  func verified(_ transfer: Transfer, _ outcome: Verifier.Outcome) {
    switch outcome {
    case .published:
      transfer.pool.finishRequests(of: transfer)
      finish(transfer, .done)
      refill()
    case .lost:
      lose(transfer)
    case .failed(let error):
      transfer.pool.fail(transfer, .store(error))
    case .wrongDigest(let found):
      damaged(transfer, found: found)
    }
  }

  /// Wrong content is fetched again, all of it: from somebody else where a mirror sent some of it,
  /// else once more.
  private func damaged(_ transfer: Transfer, found: Digest) {
    guard let partial = transfer.partial else { return }
    let (wish, blob) = (transfer.wish, transfer.wish.blob)
    let (senders, othersAreLeft) = transfer.source.blame(blob)
    if !othersAreLeft { transfer.damages += 1 }
    do throws(StoreError) {
      try partial.startOver()
    } catch {
      transfer.pool.fail(transfer, .store(error))
      return
    }
    let hosts = senders.joined(separator: " and ")
    let origin = senders.isEmpty ? "" : " from \(hosts)"
    guard transfer.damages < 2 else {
      transfer.pool.fail(
        transfer,
        .integrity(
          "\(wish.label) of \(wish.owner) is damaged"
            + (senders.isEmpty ? "" : ", as \(hosts) sent it")
            + ": its digest is \(found), the manifest says \(blob.digest)"))
      return
    }
    let next = othersAreLeft ? "asking the next server" : "fetching it again"
    transfer.board.startOver()
    tell(.damaged(wish, origin: origin, next: next))
    guard register(transfer, partial) else { return }
    transfer.pool.beginAgain(transfer)
  }

  // MARK: Ends

  private func finish(_ transfer: Transfer, _ state: DownloadProgress.State) {
    transfer.endedAt = transfer.pool.now.seconds
    var progress = transfer.progress
    if state == .done { progress.cost.fetched += max(0, progress.size - progress.done) }
    progress.done = progress.size
    transfer.progress = progress
    transfer.pool.set(transfer, state)
    forget(transfer)
    if state == .done, transfer.name.isApart { transfer.wish.arrived() }
    // Before anybody hears that it is done: a short pull is over between two ticks.
    if transfers.isEmpty { show() }
    do throws(StoreError) {
      if transfer.urgency == .read, transfer.board.reader == nil {
        transfer.board.open(try store.reader(of: transfer.wish.blob))
      } else if transfer.urgency != .read {
        transfer.board.open(nil)
      }
      transfer.board.end(.success(()))
    } catch {
      transfer.board.end(.failure(.store(error)))
    }
  }

  /// Takes in what the pools could not go on with.
  func settle() {
    for pool in pools.values where !pool.failed.isEmpty {
      let failed = pool.failed
      pool.failed = []
      for transfer in failed { retire([transfer], transfer.failure ?? .stopped) }
    }
  }

  /// Ends transfers before their end: nothing more is written of them, and what arrived is noted.
  func retire(_ group: [Transfer], _ error: DownloadError) {
    let group = group.filter { transfers[$0.id] != nil }
    for transfer in group { transfer.pool.hasLostNothing = false }
    for (_, ofPool) in Dictionary(grouping: group, by: \.pool.number) {
      ofPool.first?.pool.abandon(ofPool)
    }
    for transfer in group {
      verifier.forget(transfer.name)
      forget(transfer)
      transfer.board.end(.failure(error))
    }
  }

  private func forget(_ transfer: Transfer) {
    let pool = transfer.pool
    transfers.remove(transfer)
    if queue.remove(transfer) { pool.scheduler.bytesToCome -= transfer.size }
    if transfer.partial != nil { queue.close() }
    transfer.partial = nil
    pool.keep(transfer)
    pool.wanted[transfer.id] = nil
    if let blob = transfer.blob { pool.forget(blob) }
    if pool.wanted.isEmpty { pool.clock.pause() }
    letGo(transfer.source, isDone: transfer.endedAt != nil)
  }

  // MARK: Sources

  /// Goes on with what another wanter has brought: what one shows to a registry is used for him
  /// alone, and goes with him.
  func inherit(_ transfer: Transfer, _ heir: BlobSource) {
    let old = transfer.source
    transfer.source = heir
    transfer.pool.use(heir)
    letGo(old, isDone: false)
  }

  /// Lets go of a source that nothing is fetched from any more.
  ///
  /// - Parameter isDone: whether it has brought what it was asked for; else nobody comes for what
  ///   was asked ahead.
  private func letGo(_ source: BlobSource, isDone: Bool) {
    guard !transfers.all.contains(where: { $0.source === source }) else { return }
    Task {
      if !isDone { await source.close() }
      let tokenService = await source.tokenService
      // It may be in use again.
      guard !transfers.all.contains(where: { $0.source === source }) else { return }
      for pool in pools.values { pool.drop(source, tokenService) }
    }
  }
}
