import OCI
import Progress
import Registry
import Scheduling
import Store
import Transfer
import Tuning

/// Performing the scheduler's actions, and telling it what became of them.
extension PullLoop {
  // MARK: Actions

  /// Performs actions in the order in which they were decided, also those that performing one brings.
  func perform(_ actions: [SchedulerAction]) {
    backlog.append(contentsOf: actions)
    guard !isPerforming else { return }
    isPerforming = true
    defer { isPerforming = false }
    while !backlog.isEmpty { perform(backlog.removeFirst()) }
  }

  private func perform(_ action: SchedulerAction) {
    switch action {
    case .fetch(let fetch): begin(fetch)
    case .cancel(let request): cancel(request)
    case .extend(let segment, let end): segments[segment]?.window.extend(to: end)
    case .complete(let blob):
      guard let index = entryOfBlob[blob] else { return }
      setState(index, .verifying)
      verifier.advance(entries[index].descriptor.digest)
    case .giveUp(let blob, _):
      guard let index = entryOfBlob[blob], failure == nil else { return }
      let error = entries[index].lastError ?? RegistryError(.notFound, "a blob cannot be had")
      failure = .registry(error)
    case .sampled(let sample, let decision):
      recorder.observe(sample, decision)
      note(decision)
      trace?(TraceStep(sample: sample, decision: decision))
    }
  }

  private func begin(_ fetch: Fetch) {
    guard let index = entryOfBlob[fetch.blob], let partial = entries[index].partial else { return }
    let window: FileWindow
    switch fetch.origin {
    case .straggler:
      guard let live = segments[fetch.segment] else { return }
      window = live.window
    case .split(let older):
      let live = segments[older]?.window
      guard live?.split(at: fetch.range.lowerBound) ?? false else {
        let position = live?.written ?? 0
        let missed = SchedulerEvent.splitMissed(fetch.segment, older: older, position: position)
        perform(scheduler.handle(missed, now: now))
        return
      }
      fallthrough
    case .pending:
      window = FileWindow(fetch.range) { bytes, offset in partial.write(bytes, at: offset) }
      segments[fetch.segment] = LiveSegment(
        entry: index, window: window, position: fetch.range.lowerBound,
        recorded: fetch.range.lowerBound)
    }
    segments[fetch.segment]?.requests.insert(fetch.request)
    segmentOfRequest[fetch.request] = fetch.segment
    setState(index, .fetching)
    result.requests += 1
    var request = BlobSource.Request(
      blob: entries[index].descriptor, range: fetch.range, ranged: fetch.ranged, window: window)
    request.stalls = fetch.stalls
    let (source, inbox, id, final) = (source, inbox, fetch.request, request)
    tasks[id] = Task {
      await source.fetch(final) { inbox.yield(.request(id, $0)) }
    }
  }

  private func cancel(_ request: RequestID) {
    tasks.removeValue(forKey: request)?.cancel()
    guard let id = segmentOfRequest.removeValue(forKey: request) else { return }
    segments[id]?.requests.remove(request)
    guard let segment = segments[id], segment.requests.isEmpty else { return }
    // Nothing that is still on its way may be written: the bytes belong to another segment now. What the
    // scheduler was told of is kept.
    segment.window.seal()
    record(id, upTo: segment.position)
    segments[id] = nil
  }

  // MARK: Events

  func requestEvent(_ request: RequestID, _ event: BlobSource.Event) {
    guard let id = segmentOfRequest[request], let segment = segments[id] else { return }
    switch event {
    case .sent:
      perform(scheduler.handle(.sent(request), now: now))
    case .responded(let timing):
      let connect = timing.newConnections > 0 ? timing.connectSeconds : nil
      perform(scheduler.handle(.responded(request, connectSeconds: connect), now: now))
    case .wholeBody:
      note(id, recording: false)
      perform(scheduler.handle(.wholeBody(request), now: now))
    case .ended(.success(let timing)):
      result.connections += timing.newConnections
      note(id, recording: true)
      // The end may have been moved outwards while the last bytes were on their way.
      let isFull = segment.window.isFull
      forget(request, of: id, keepingSegment: !isFull)
      perform(
        scheduler.handle(isFull ? .finished(request) : .failed(request, .transient), now: now))
    case .ended(.failure(let error)):
      note(id, recording: true)
      forget(request, of: id, keepingSegment: false)
      fail(request, entry: segment.entry, error)
    }
    advanceVerifier(segment.entry)
  }

  /// Every byte of a blob is verified: requests whose end is still on its way here are over.
  func finishRequests(of entry: Int) {
    for (id, segment) in segments where segment.entry == entry {
      for request in segment.requests {
        tasks[request] = nil
        segmentOfRequest[request] = nil
        perform(scheduler.handle(.finished(request), now: now))
      }
      segments[id] = nil
    }
  }

  private func forget(_ request: RequestID, of id: SegmentID, keepingSegment: Bool) {
    tasks[request] = nil
    segmentOfRequest[request] = nil
    segments[id]?.requests.remove(request)
    if segments[id]?.requests.isEmpty ?? false { segments[id] = nil }
  }

  private func fail(_ request: RequestID, entry: Int, _ error: RegistryError) {
    if case .transfer(let cause) = error.kind, case .disk(let code) = cause.kind {
      failure = .store(diskError(code))
      return
    }
    entries[entry].lastError = error
    result.retries += 1
    entries[entry].retries += 1
    perform(scheduler.handle(.failed(request, Self.outcome(of: error)), now: now))
    sayIfWaiting(because: error.message)
  }

  private func diskError(_ code: Int32) -> StoreError {
    let error = StoreError.system(action: "write to", path: store.root, errno: code)
    guard error.isOutOfSpace else { return error }
    let needed = scheduler.bytesLeft + scheduler.bytesToCome
    // Inodes may be used up, or a quota: then what is free in all says nothing.
    let free = store.freeBytes.flatMap { $0 < needed ? $0 : nil }
    return .noSpace(path: store.root, needed: needed, free: free)
  }

  static func outcome(of error: RegistryError) -> FetchFailure {
    switch error.kind {
    case .overloaded(let retryAfter): .refused(retryAfter: retryAfter)
    // What comes to nothing for whatever it is asked is in trouble, too.
    case .serverError(transient: true), .protocolError(transient: true): .serverError
    case .rangeRefused: .rangeRefused
    // The manifest names it, and came from there: what is not to be had for a moment, or over one bad node, may come.
    case .integrity, .unauthorised, .notFound: .doubtful
    case .transfer(let cause) where cause.kind == .tls: .doubtful
    case .transfer(let cause) where cause.kind == .stalled: .stalled
    case .transfer where error.isAbsence: .absent
    default: error.isTransient ? .transient : error.mayPass ? .doubtful : .fatal
    }
  }

  // MARK: Progress

  func tick() {
    ticks += 1
    let isSlow = ticks % Self.slowTicks == 0
    for id in Array(segments.keys) { note(id, recording: isSlow) }
    if isSlow {
      for index in waiting { begin(index) }
      lookForEnd()
    }
    measure()
    refill()
    guard ticks % Self.shownTicks == 0 else { return }
    meter.note(scheduler.bytesDone, at: now.seconds)
    display.show(
      .snapshot(
        PullSnapshot(
          name: name, blobs: shownBlobs, seconds: now.seconds,
          bytesPerSecond: meter.bytesPerSecond, poolSize: scheduler.decision.poolSize,
          open: scheduler.openRequests)))
  }

  /// The blobs as they are now: those that no worker is at wait, though some of their bytes are here.
  private var shownBlobs: [PullSnapshot.Blob] {
    let busy = Set(segments.values.map(\.entry))
    return entries.enumerated().map { index, entry in
      var blob = entry.shown
      if blob.state == .fetching, !busy.contains(index) { blob.state = .waiting }
      return blob
    }
  }

  /// Tells the scheduler how far a segment is, and now and then the resume map.
  func note(_ id: SegmentID, recording: Bool) {
    guard var segment = segments[id] else { return }
    let written = segment.window.written
    if written > segment.position {
      entries[segment.entry].shown.done += written - segment.position
      segment.position = written
      segments[id] = segment
      perform(scheduler.handle(.advanced(id, position: written), now: now))
    }
    guard recording || written - segment.recorded >= Self.recordBytes else { return }
    record(id, upTo: written)
  }

  /// Tells the resume map, and with it the verifier, how far a segment is on disk.
  private func record(_ id: SegmentID, upTo position: Int64) {
    guard let segment = segments[id], position > segment.recorded,
      let partial = entries[segment.entry].partial
    else { return }
    do throws(StoreError) {
      try partial.record(segment.recorded..<position)
      segments[id]?.recorded = position
      advanceVerifier(segment.entry)
    } catch {
      if failure == nil { failure = .store(error) }
    }
  }

  func advanceVerifier(_ index: Int) {
    verifier.advance(entries[index].descriptor.digest)
  }
}
