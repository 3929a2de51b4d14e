package import Tuning

/// Decides which bytes are fetched next, by how many workers, and what to do when something fails.
///
/// A value with no effects: the runner (a real pull or a simulation) reports events and performs the
/// actions it gets back, in order. Blobs can be added at any moment.
///
/// Life of a segment (a byte range in flight):
/// ```
/// pending -> in flight            an idle worker takes bytes nearest to a blob's head
/// in flight -> in flight          split for an idle worker; asked for twice when it straggles;
///                                 extended when the server sends the whole blob
/// in flight -> done               its last byte is on disk (a second request is cancelled)
/// in flight -> pending            its last request failed; what arrived is kept
/// ```
/// Life of a blob: `added -> complete`, `added -> given up` or `added -> left`; `damaged` takes a
/// complete one back to the start.
package struct Scheduler: Sendable {
  /// What bounds the choices made here.
  package let settings: SchedulerSettings
  /// The policy's last word.
  package internal(set) var decision: PoolDecision
  /// Useful bytes fetched since the start.
  package internal(set) var bytesDone: Int64 = 0
  /// Bytes of the blobs added so far that are not here yet.
  package internal(set) var bytesLeft: Int64 = 0
  /// Bytes of blobs that will be added later; the runner keeps it, for fair shares and for the policy.
  package var bytesToCome: Int64 = 0

  var policy: any Policy
  var random: RandomSource
  var blobs = BlobShelf()
  var segments: [SegmentID: SegmentState] = [:]
  var requests: [RequestID: RequestState] = [:]
  var stragglers = StragglerRule()
  var nextNumber = 0
  /// How soon blobs were needed so far: as a rule one way only.
  var urgencies: Set<Urgency> = []
  /// Until then few workers are at what is ahead of need: somebody reads a little here and there.
  var readsEndAt = Moment.zero
  /// Whether all blobs are asked for as wholes, since ranges only fail.
  var allAreWhole = false
  /// Whether ranges are what a server refuses as if it were overloaded.
  var rangeTrial = RangeTrial()
  /// Until then no more requests than `served` are in flight, because a server asked for it.
  package internal(set) var refusedUntil = Moment.zero
  /// Requests that were in flight after the last refusal: what the server is willing to serve.
  var served = 0
  /// What went wrong at the server, whatever it was asked for.
  var trouble = ServerTrouble()
  /// Progress of the whole pull.
  var headway = Headway()
  /// Bytes per second of requests that ended lately, a running mean.
  var typicalRate: Double?
  /// Seconds from a request to its first byte on an open connection, a running mean.
  var typicalFirstByte: Double?
  var nextSample = Moment.zero
  var gathered = Gathered()

  /// Readings between two samples.
  struct Gathered: Sendable {
    var firstByteSeconds: [Double] = []
    var connectSeconds: [Double] = []
    var refusals: [Sample.Refusal] = []
    var readings = Readings()
    var endedRates: [Double] = []
  }

  /// Seconds of a request from which its rate is its connection's.
  private static let tellingSeconds = 0.5

  /// Makes a scheduler without blobs.
  ///
  /// - Parameters:
  ///   - policy: decides the pool size; asked at once and at every sample.
  ///   - opening: what is known before the first request.
  ///   - settings: what bounds the choices.
  ///   - seed: for the jitter of back-offs.
  package init(
    policy: any Policy, opening: Opening = .init(), settings: SchedulerSettings = .init(),
    seed: UInt64 = 1
  ) {
    self.policy = policy
    self.settings = settings
    random = RandomSource(seed: seed)
    decision = self.policy.start(opening)
    nextSample = opening.now + settings.sampleSeconds
  }

  /// Requests in flight.
  package var openRequests: Int { requests.count }

  /// True when every blob added is complete or given up.
  package var isIdle: Bool { requests.isEmpty && blobs.states.allSatisfy(\.isOver) }

  /// Adds a blob; work on it is handed out at the next event, so that several can be added first.
  ///
  /// - Parameters:
  ///   - size: the blob's size in bytes.
  ///   - have: the bytes that are on disk already, from an earlier pull.
  ///   - urgency: how soon its bytes are needed.
  /// - Returns: the blob's id, and `complete` at once when nothing is missing.
  package mutating func add(
    size: Int64, have: RangeSet<Int64> = RangeSet(), urgency: Urgency = .whole
  ) -> (BlobID, [SchedulerAction]) {
    var blob = BlobState(size: size, have: have)
    blob.urgency = urgency
    urgencies.insert(urgency)
    bytesLeft += blob.pendingBytes
    allAreWhole = false
    let id = blobs.add(blob)
    var actions: [SchedulerAction] = []
    finishBlobIfComplete(id, &actions)
    return (id, actions)
  }

  /// Takes an event and says what to do.
  ///
  /// Events of requests and segments that are no longer known are ignored: they were on their way
  /// when the request was cancelled.
  ///
  /// - Parameters:
  ///   - event: what happened.
  ///   - now: when; never earlier than in the call before.
  package mutating func handle(_ event: SchedulerEvent, now: Moment) -> [SchedulerAction] {
    var actions: [SchedulerAction] = []
    switch event {
    case .sent(let request):
      requests[request]?.startedAt = now
      requests[request]?.isSent = true
    case .responded(let request, let connectSeconds):
      responded(request, connectSeconds: connectSeconds, now: now)
    case .advanced(let segment, let position):
      advance(segment, to: position, now: now)
    case .wholeBody(let request):
      takeWholeBody(request, &actions)
    case .finished(let request):
      finish(request, now: now, &actions)
    case .failed(let request, let failure):
      fail(request, failure, now: now, &actions)
    case .splitMissed(let segment, let older, let position):
      undoSplit(segment)
      advance(older, to: position, now: now)
      // What is known here was out of date: nothing is decided before the next reading.
      return []
    case .damaged(let blob):
      restart(blob, &actions)
    case .left(let blobs):
      for blob in blobs {
        abandon(blob, &actions)
        self.blobs.forget(blob)
      }
    case .urgency(let blob, let urgency):
      blobs[blob].urgency = urgency
      urgencies.insert(urgency)
    case .readers(let blob, let readers, let areShort):
      take(readers, areShort: areShort, of: blob, now: now, &actions)
    case .joined(let request):
      handBackIfLate(request, now: now, &actions)
    case .measured(let readings):
      gathered.readings = readings
      return []
    case .tick:
      break
    }
    if now >= nextSample { takeSample(now: now, &actions) }
    assign(now: now, &actions)
    return actions
  }

  // MARK: Progress

  private mutating func responded(_ id: RequestID, connectSeconds: Double?, now: Moment) {
    guard var request = requests[id], request.respondedAt == nil else { return }
    request.respondedAt = now
    requests[id] = request
    trouble.hangUps.noteHead()
    let seconds = now - request.startedAt
    let answer = seconds - min(seconds, connectSeconds ?? 0)
    gathered.firstByteSeconds.append(answer)
    if let connectSeconds { gathered.connectSeconds.append(connectSeconds) }
    typicalFirstByte = Self.typical(typicalFirstByte, after: answer)
    let position = segments[request.segment]?.position ?? 0
    segments[request.segment]?.rate = RateEstimate(at: now, position: position)
  }

  private mutating func advance(_ id: SegmentID, to position: Int64, now: Moment) {
    guard var segment = segments[id] else { return }
    let position = max(segment.position, min(position, segment.range.upperBound))
    let gained = position - segment.position
    if gained > 0 {
      bytesDone += gained
      bytesLeft -= gained
      if headway.note(gained, at: now, minimumRate: settings.minimumRate) {
        trouble = trouble.afterProgress
        blobs[segment.blob].doubts = 0
      }
      let isRanged = segment.requests.contains { requests[$0]?.ranged ?? false }
      noteServed(segment.blob, byRange: isRanged)
      segment.position = position
      segment.failures.note(gained, at: now, minimumRate: settings.minimumRate)
    }
    segment.rate.note(position, at: now)
    segments[id] = segment
  }

  mutating func finish(
    _ id: RequestID, now: Moment, _ actions: inout [SchedulerAction]
  ) {
    guard let request = requests[id], let segment = segments[request.segment] else { return }
    advance(request.segment, to: segment.range.upperBound, now: now)
    stragglers.noteEnd()
    trouble.denials.noteEnd(of: segment.blob)
    let seconds = now - (request.respondedAt ?? request.startedAt)
    if seconds > 0 {
      let rate = Double(segment.range.upperBound - request.startPosition) / seconds
      typicalRate = Self.typical(typicalRate, after: rate)
      if seconds >= Self.tellingSeconds { gathered.endedRates.append(rate) }
    }
    for other in segment.requests {
      requests[other] = nil
      if other != id { actions.append(.cancel(other)) }
    }
    remove(request.segment)
    finishBlobIfComplete(segment.blob, &actions)
  }

  /// The server sends everything: this segment takes all that nobody has begun after it.
  private mutating func takeWholeBody(_ id: RequestID, _ actions: inout [SchedulerAction]) {
    guard let request = requests[id], var segment = segments[request.segment] else { return }
    blobs[segment.blob].ranged = false
    blobs[segment.blob].servesRanges = false
    var end = segment.range.upperBound
    while true {
      if let index = blobs[segment.blob].pending.firstIndex(where: {
        $0.range.lowerBound == end
      }) {
        end = blobs[segment.blob].pending.remove(at: index).range.upperBound
      } else if let next = blobs[segment.blob].segments.first(where: {
        segments[$0].map { $0.range.lowerBound == end && $0.position == end } ?? false
      }), let idle = segments[next] {
        end = idle.range.upperBound
        for other in idle.requests {
          requests[other] = nil
          actions.append(.cancel(other))
        }
        remove(next)
      } else {
        break
      }
    }
    guard end > segment.range.upperBound else { return }
    segment.range = segment.range.lowerBound..<end
    segments[request.segment] = segment
    actions.append(.extend(request.segment, end: end))
  }

  // MARK: Book-keeping

  private mutating func restart(_ id: BlobID, _ actions: inout [SchedulerAction]) {
    guard blobs.contains(id) else { return }
    var fresh = BlobState(size: blobs[id].size, have: RangeSet())
    fresh.urgency = blobs[id].urgency
    fresh.readers = blobs[id].readers
    bytesLeft += fresh.pendingBytes
    blobs[id] = fresh
    allAreWhole = false
    // Of nothing there is nothing to fetch again: its end is said again.
    finishBlobIfComplete(id, &actions)
  }

  private mutating func undoSplit(_ id: SegmentID) {
    guard let segment = segments[id] else { return }
    for request in segment.requests { requests[request] = nil }
    remove(id)
    // The older segment ran past the point, so it still covers these bytes.
    if let older = blobs[segment.blob].segments.first(where: {
      segments[$0]?.range.upperBound == segment.range.lowerBound
    }), let lower = segments[older]?.range.lowerBound {
      segments[older]?.range = lower..<segment.range.upperBound
    } else {
      giveBack(Piece(range: segment.position..<segment.range.upperBound), of: segment.blob)
    }
  }

  mutating func giveBack(_ piece: Piece, of id: BlobID) {
    blobs[id].insert(piece)
  }

  mutating func remove(_ id: SegmentID) {
    guard let segment = segments.removeValue(forKey: id) else { return }
    blobs[segment.blob].segments.remove(id)
  }

  mutating func finishBlobIfComplete(_ id: BlobID, _ actions: inout [SchedulerAction]) {
    guard !blobs[id].isOver, blobs[id].isComplete else { return }
    blobs[id].isOver = true
    actions.append(.complete(id))
  }
}
