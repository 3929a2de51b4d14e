package import OCI
package import Registry
package import Scheduling
package import Store
package import Tuning

/// Everything that is wanted now, from whoever wants it: one pool of workers for each path, one
/// `SharedDownload` for each blob and circle of those who believe each other.
///
/// All state belongs to this actor; what happens elsewhere is reported through one stream of
/// events, in order. It lives until `close`, however many images come and go.
///
/// Life of a shared download:
///
/// | from | to | when |
/// |---|---|---|
/// | wanted | queued | somebody wants it; who comes later, of the same circle and with the same size, shares it |
/// | queued | present | it is in the store |
/// | queued | elsewhere | another process fetches it: looked at twice a second, and taken over where it does not get on |
/// | queued, elsewhere | begun | its file is ours; the path's scheduler hands out its bytes |
/// | begun | elsewhere | another process has taken it over |
/// | begun | begun | who was asked for it cannot give it, and another wanter has brought somebody else |
/// | begun | done | its digest is right, and it is published |
/// | any | failed | none of those whom its wanters have brought gives it, or it cannot be written |
/// | any | left | the last who wanted it is gone; what arrived stays |
package actor Downloads {
  /// What comes in.
  enum Event: Sendable {
    case request(PathKey, pool: Int, RequestID, BlobSource.Event)
    case verified(download: DownloadID, Verifier.Outcome)
    /// Bytes came of a segment whose blob somebody waits for.
    case arrived(PathKey, pool: Int, SegmentID)
    case left(download: DownloadID, wanter: WanterID)
    /// A wanter reads a download's bytes there.
    case reads(download: DownloadID, wanter: WanterID, at: Int64)
    case tick
  }

  /// Says how a path's downloads are to be run, when its first blob is wanted; and what the last
  /// ones over it were like, where this service knows.
  package typealias Planner = @Sendable (PathKey, PullRecord?) async -> PathPlan

  let store: ContentStore
  let limits: Limits
  let verifier: Verifier
  let tell: @Sendable (DownloadEvent) -> Void
  let ended: (@Sendable (PullReport) async -> Void)?
  private var mail = Mailbox()
  private(set) var heart = Heartbeat()

  var pools: [PathKey: PathPool] = [:]
  var plans: PathPlans
  /// Reports of ended pools, and those that are being made, by the pools' numbers.
  var told: (reports: [PullReport], underway: [Int: Task<Void, Never>]) = ([], [:])
  var shared = SharedDownloads()
  var queue: DownloadQueue<SharedDownload>
  var overall = OverallProgress()
  var isClosed = false
  private var lastNumber = 0

  /// Where events come in.
  var inbox: AsyncStream<Event>.Continuation { mail.inbox }

  /// Ticks between two looks at blobs that another process fetches, and between two journal entries.
  static let slowTicks = 10
  /// Ticks between two overviews.
  static let shownTicks = 2

  /// Makes a service; `close` ends it.
  ///
  /// - Parameters:
  ///   - store: where blobs are published.
  ///   - limits: what bounds it.
  ///   - plan: how each path's downloads are to be run.
  ///   - ended: told what downloads over a path were like when its pool ends; nil: `close` returns
  ///     all of that.
  ///   - tell: told what happens, in order.
  package init(
    store: ContentStore, limits: Limits, plan: @escaping Planner,
    ended: (@Sendable (PullReport) async -> Void)? = nil,
    tell: @escaping @Sendable (DownloadEvent) -> Void = { _ in }
  ) {
    self.store = store
    self.limits = limits
    plans = PathPlans(plan)
    queue = DownloadQueue(mostOpen: limits.openBlobs)
    self.ended = ended
    self.tell = tell
    verifier = Verifier(store: store, threads: limits.hashing)
  }

  // MARK: Wanting

  /// Wants blobs of one repository.
  ///
  /// - Parameters:
  ///   - wishes: the blobs, in the order in which they are to be begun.
  ///   - source: where they are to be had.
  ///   - urgency: how soon they are needed.
  ///   - roundTripSeconds: of a round trip to the registry, where it is known.
  /// - Returns: their downloads, in the same order.
  package func want(
    _ wishes: [Wish], from source: BlobSource, urgency: Urgency = .whole,
    roundTripSeconds: Double? = nil
  ) async -> [Download] {
    let key = PathKey(source)
    var plan: PathPlan?
    let unknown = wishes.filter { shared[$0.key] == nil }
    if !unknown.isEmpty {
      // Said first, so that it is known in time where they are.
      await source.expect(unknown.map(\.blob))
      if pools[key] == nil { plan = await plans.planner(key, plans.record(of: key)) }
    }
    guard !isClosed else { return wishes.map { Download(ended: $0, .failure(.stopped)) } }
    // Others may have come, and gone, meanwhile.
    let new = wishes.filter { shared[$0.key] == nil }
    if !new.isEmpty { prepare(new.map(\.blob), source, plan, roundTripSeconds) }
    let downloads = wishes.map { want($0, from: source, urgency) }
    refill()
    return downloads
  }

  private func want(_ wish: Wish, from source: BlobSource, _ urgency: Urgency) -> Download {
    let wanter = WanterID(number: number())
    let known = shared[wish.key]
    guard let download = known ?? add(wish, from: source) else {
      return Download(ended: wish, .failure(.stopped))
    }
    download.lent.add(source, of: wanter)
    change(download) {
      $0.wanters[wanter] = urgency
      $0.parts[wanter] = wish.part
      $0.positions[wanter] = wish.part?.lowerBound
    }
    let (inbox, id) = (inbox, download.id)
    return Download(download, wanter: wanter, isShared: known != nil) {
      inbox.yield(.reads(download: id, wanter: wanter, at: $0))
    } left: {
      inbox.yield(.left(download: id, wanter: wanter))
    }
  }

  /// The next number of a wanter, a download or a pool.
  private func number() -> Int {
    lastNumber += 1
    return lastNumber
  }

  private func add(_ wish: Wish, from source: BlobSource) -> SharedDownload? {
    guard let pool = pools[PathKey(source)] else { return nil }
    let download = SharedDownload(
      id: DownloadID(number: number()), wish, as: shared.name(for: wish), from: source, over: pool)
    shared.add(download)
    pool.wanted[download.id] = download
    pool.clock.resume()
    pool.expect(download)
    return download
  }

  /// Makes a path ready for blobs: with a pool of its own where it has none.
  private func prepare(
    _ new: [Descriptor], _ source: BlobSource, _ plan: PathPlan?, _ roundTripSeconds: Double?
  ) {
    run()
    let key = PathKey(source)
    if pools[key] == nil, let plan {
      let (inbox, number) = (inbox, number())
      let opening = Opening(
        bytes: new.lazy.map(\.size).clampedSum, blobs: new.count,
        roundTripSeconds: roundTripSeconds)
      pools[key] = PathPool(
        key, number: number, plan: plan, opening: opening,
        in: PathPool.Surroundings(
          store: store, verifier: verifier, tell: tell,
          hear: { inbox.yield(.request(key, pool: number, $0, $1)) },
          arrived: { inbox.yield(.arrived(key, pool: number, $0)) }))
    }
    pools[key]?.use(source)
  }

  /// Whether somebody wants a blob in a circle.
  package func isWanted(_ digest: Digest, in circle: Circle = .named) -> Bool {
    shared.has(Wish.Spot(circle: circle, digest: digest))
  }

  /// Stops wanting blobs, and returns when nothing more is written of those that nobody else wants.
  package func leave(_ downloads: [Download]) async {
    leave(downloads.map { ($0.sharedID, $0.wanter) })
    for download in downloads { await verifier.settled(download.name) }
  }

  private func leave(_ claims: [(download: DownloadID, wanter: WanterID)]) {
    let alone = claims.compactMap { claim -> SharedDownload? in
      guard let download = shared[claim.download], download.wanters[claim.wanter] != nil else {
        return nil
      }
      change(download) {
        $0.wanters[claim.wanter] = nil
        $0.positions[claim.wanter] = nil
        $0.parts[claim.wanter] = nil
      }
      let source = download.lent.remove(of: claim.wanter)
      if let heir = download.lent.heir { inherit(download, heir) }
      if let source { letGo(source, isDone: false) }
      return download.wanters.isEmpty ? download : nil
    }
    guard !alone.isEmpty else { return }
    breakOff(alone, .stopped)
    refill()
  }

  // MARK: Running

  /// Takes events, and has time tell of itself for as long as there is a path with a pool: an idle
  /// service does nothing.
  private func run() {
    if mail.reader == nil {
      overall.begin()
      let events = mail.events
      mail.reader = Task {
        for await event in events { await self.take(event) }
      }
    }
    heart.start { [inbox] in inbox.yield(.tick) }
  }

  private func take(_ event: Event) async {
    guard !isClosed else { return }
    switch event {
    case .tick: await tick()
    case .request(let key, let number, let id, let event):
      guard let pool = pools[key], pool.number == number else { return }
      pool.take(id, event)
    case .arrived(let key, let number, let segment):
      guard let pool = pools[key], pool.number == number else { return }
      pool.note(segment, recording: true)
    case .verified(let id, let outcome):
      if let download = shared[id] { verified(download, outcome) }
    case .left(let id, let wanter): leave([(id, wanter)])
    case .reads(let id, let wanter, let position):
      guard let download = shared[id], download.wanters[wanter] != nil else { return }
      change(download) { $0.positions[wanter] = position }
    }
    takeInFailures()
  }

  private func tick() async {
    heart.ticks += 1
    let isSlow = heart.ticks % Self.slowTicks == 0
    for pool in pools.values where !pool.wanted.isEmpty {
      for (id, segment) in pool.fetches.windows {
        pool.note(id, recording: isSlow || segment.download.urgency == .read)
      }
    }
    if isSlow { lookAround() }
    let active = pools.values.filter { !$0.wanted.isEmpty }
    for pool in active { pool.measure(isAlone: active.count == 1) }
    refill()
    if heart.ticks % Self.shownTicks == 0, !shared.isEmpty { show() }
    guard isSlow else { return }
    await endIdlePools()
    await turnPages()
    if pools.isEmpty { heart.stop() }
  }

  /// What is looked at now and then: blobs that others fetch, and whether anything is to come.
  private func lookAround() {
    for download in queue.waiting { begin(download) }
    for download in shared.all where download.partial?.isLost ?? false { lose(download) }
    let isBusy = !queue.isEmpty || !verifier.isIdle
    for pool in pools.values {
      pool.renewRequests()
      pool.lookForEnd(isElsewhereBusy: isBusy)
    }
  }

  /// Tells how all stands.
  func show() { tell(.overview(overall.overview(of: shared.all, over: pools.values))) }

  /// Ends everything that is under way and notes what arrived; nothing is written or published after that.
  ///
  /// - Returns: what the downloads over each path were like, where nobody was told.
  package func close() async -> [PullReport] {
    guard !isClosed else { return [] }
    isClosed = true
    for pool in pools.values { pool.close() }
    breakOff(Array(shared.all), .stopped)
    heart.stop()
    inbox.finish()
    await verifier.stop()
    for pool in pools.values.sorted(by: { $0.number < $1.number }) { await end(pool) }
    for telling in told.underway.values { await telling.value }
    return told.reports
  }
}
