import Glibc
import OCI
import Registry
import Scheduling
import Store
import Transfer
import Tuning

/// Requests of one path, from their beginning to their end.
extension PathPool {
  func open(_ fetch: Fetch) -> LiveSegment? {
    guard let download = downloads[fetch.blob], let partial = download.partial else { return nil }
    let (board, arrived, segment) = (download.board, around.arrived, fetch.segment)
    let forgotten = Forgotten()
    let window = FileWindow(fetch.range) { bytes, offset in
      // Not before the first byte comes: where none does, what is here is worth as much as before.
      if !fetch.ranged, offset == fetch.range.lowerBound {
        do throws(StoreError) {
          forgotten.add(try partial.forget(fetch.range))
        } catch {
          return if case .system(_, _, let code) = error { code } else { EIO }
        }
      }
      let code = partial.write(bytes, at: offset)
      if code == 0, board.claimNotice() { arrived(segment) }
      return code
    }
    return LiveSegment(
      download: download, window: window, position: fetch.range.lowerBound,
      recorded: fetch.range.lowerBound, forgotten: forgotten)
  }

  func shorten(_ segment: inout LiveSegment, to offset: Int64) -> Int64? {
    segment.window.split(at: offset) ? nil : segment.window.written
  }

  func extend(_ segment: inout LiveSegment, to end: Int64) { segment.window.extend(to: end) }

  func start(_ fetch: Fetch, in segment: LiveSegment) {
    let download = segment.download
    download.progress.cost.requests += 1
    var request = BlobSource.Request(
      blob: download.wish.blob, range: fetch.range, ranged: fetch.ranged, window: segment.window)
    request.stalls = fetch.stalls
    request.isSecond = fetch.origin == .straggler
    request.lent = download.lent.others
    set(download, .fetching)
    let (source, hear, id, final) = (download.source, around.hear, fetch.request, request)
    let task = Task { await source.fetch(final) { hear(id, $0) } }
    tasks[id] = Asked(task: task, source: source, isAlone: request.lent.isEmpty)
  }

  /// Has requests that are late made anew, where somebody else can be asked by now.
  func renewRequests() {
    for request in tasks.filter(\.value.isAlone).keys.sorted() {
      guard let id = fetches.segment(of: request), let segment = fetches.windows[id],
        !segment.download.lent.others.isEmpty
      else { continue }
      note(id, recording: true)
      handle(.joined(request))
    }
  }

  func stop(_ request: RequestID) { tasks.removeValue(forKey: request)?.task.cancel() }

  func close(_ segment: LiveSegment, of id: SegmentID) {
    // Nothing that is still on its way may be written: the bytes belong to another segment now. What the
    // scheduler was told of is kept.
    segment.window.seal()
    var segment = segment
    record(&segment, upTo: segment.position)
  }

  /// Takes in what happened to a request.
  func take(_ request: RequestID, _ event: BlobSource.Event) {
    guard let id = fetches.segment(of: request), let segment = fetches.windows[id] else { return }
    switch event {
    case .sent:
      handle(.sent(request))
    case .responded(let timing):
      // Here, since what breaks off, or is cut short, had a connection, too.
      segment.download.progress.cost.connections += timing.newConnections
      let connect = timing.newConnections > 0 ? timing.connectSeconds : nil
      handle(.responded(request, connectSeconds: connect))
    case .wholeBody:
      note(id, recording: false)
      handle(.wholeBody(request))
    case .lent(let source):
      turn(segment.download, to: source)
    case .ended(.success):
      note(id, recording: true)
      // The end may have been moved outwards while the last bytes were on their way.
      let isFull = segment.window.isFull
      forget(request)
      handle(isFull ? .finished(request) : .failed(request, .transient))
    case .ended(.failure(let error)):
      note(id, recording: true)
      failed(request, of: segment.download, error)
    }
    around.verifier.advance(segment.download.name)
  }

  /// Every byte of a blob is verified: requests whose end is still on its way here are over.
  func finishRequests(of download: SharedDownload) {
    for (id, segment) in fetches.windows where segment.download === download {
      for request in fetches.requests(of: id) {
        forget(request)
        handle(.finished(request))
      }
    }
  }

  /// Has another source asked first from now on.
  private func turn(_ download: SharedDownload, to source: BlobSource) {
    if download.lent.turn(to: source) { use(source) }
  }

  private func forget(_ request: RequestID) {
    tasks[request] = nil
    fetches.end(request)
  }

  private func failed(_ request: RequestID, of download: SharedDownload, _ error: RegistryError) {
    let asked = tasks[request]
    forget(request)
    if case .transfer(let cause) = error.kind, case .disk(let code) = cause.kind {
      fail(download, .store(diskError(code)))
      return
    }
    // Where another one came who was not asked, it is his turn.
    if let asked, asked.isAlone, asked.source === download.source,
      let other = download.lent.others.first
    {
      turn(download, to: other)
    }
    // Of whoever is not asked first any more it says nothing that counts.
    let outcome =
      asked?.source === download.source
      ? Self.outcome(of: error, after: download.lastError) : .transient
    download.lastError = error
    download.progress.cost.retries += 1
    handle(.failed(request, outcome))
    sayIfWaiting(because: error.message)
  }

  private func diskError(_ code: Int32) -> StoreError {
    let store = around.store
    guard code == ENOSPC else { return .system(action: "write to", path: store.root, errno: code) }
    let needed = scheduler.bytesLeft + scheduler.bytesToCome
    // Inodes may be used up: then what is free in all says nothing.
    let free = store.freeBytes.flatMap { $0 < needed ? $0 : nil }
    return .noSpace(path: store.root, needed: needed, free: free)
  }

  /// What kind of failure an error is for the scheduler, which decides whether and when to try again.
  ///
  /// - Parameters:
  ///   - error: of a request for a blob.
  ///   - last: the one before it, of the same blob.
  static func outcome(of error: RegistryError, after last: RegistryError? = nil) -> FetchFailure {
    // Who breaks off at the very same byte does not do so by chance.
    if let cut = error.cut, cut == last?.cut { return .doubtful }
    return switch error.kind {
    case .overloaded(let retryAfter): .refused(retryAfter: retryAfter)
    // What comes to nothing for whatever it is asked is in trouble, too.
    case .serverError(transient: true), .protocolError(transient: true): .serverError
    case .rangeRefused: .rangeRefused
    // The manifest names it, and came from there: what is not to be had for a moment, or over one
    // bad node, may come.
    case .unauthorised: .denied
    case .integrity, .notFound: .doubtful
    case .transfer(let cause) where cause.mayBeOneNode: .doubtful
    case .transfer(let cause) where cause.kind == .stalled: .stalled
    case .transfer where error.isAbsence: .absent
    default: error.isTransient ? .transient : error.mayPass ? doubt(error) : .fatal
    }
  }

  /// What is odd: a guard in front of a registry, or a place that it names, denies as the registry does.
  private static func doubt(_ error: RegistryError) -> FetchFailure {
    [401, 403].contains(error.status) ? .denied : .doubtful
  }

  // MARK: What is on disk

  /// Tells the scheduler how far a segment is, and now and then the resume map.
  func note(_ id: SegmentID, recording: Bool) {
    guard let written = takeIn(id) else { return }
    if written.isNew { handle(.advanced(id, position: written.position)) }
    guard let segment = fetches.windows[id] else { return }
    guard recording || written.position - segment.recorded >= Self.recordBytes else { return }
    record(id, upTo: written.position)
  }

  /// Notes what a segment that ends has brought: the scheduler need not know.
  func keepWritten(_ id: SegmentID) {
    if let written = takeIn(id) { record(id, upTo: written.position) }
  }

  /// Adds what a segment brought since the last time to its download's progress.
  private func takeIn(_ id: SegmentID) -> (position: Int64, isNew: Bool)? {
    guard let segment = fetches.windows[id] else { return nil }
    let written = segment.window.written
    let gained = written - segment.position
    guard gained > 0 else { return (written, false) }
    var progress = segment.download.progress
    progress.done += gained - segment.forgotten.take()
    progress.cost.fetched += gained
    segment.download.progress = progress
    fetches.windows[id]?.position = written
    return (written, true)
  }

  private func record(_ id: SegmentID, upTo position: Int64) {
    guard var segment = fetches.windows[id] else { return }
    record(&segment, upTo: position)
    fetches.windows[id] = segment
  }

  /// Tells the resume map, and with it the verifier, how far a segment is on disk.
  private func record(_ segment: inout LiveSegment, upTo position: Int64) {
    guard position > segment.recorded, let partial = segment.download.partial else { return }
    do throws(StoreError) {
      try partial.record(segment.recorded..<position)
      segment.recorded = position
      segment.download.board.written()
      around.verifier.advance(segment.download.name)
    } catch {
      fail(segment.download, .store(error))
    }
  }
}
