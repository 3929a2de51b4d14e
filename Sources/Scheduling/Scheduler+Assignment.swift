import Tuning

/// Handing out work: which bytes an idle worker gets, and how many.
extension Scheduler {
  /// Seconds before a first byte, where none has come yet: as of a server far away.
  private static let usualFirstByte = 0.2
  /// Requests in flight of which there must be so many for their median to say what a fresh one could expect.
  private static let enoughPeers = 3
  /// All of a piece, and far from where sums of offsets end.
  private static let allBytes = Int64.max / 4
  /// When a request is late, whose bytes somebody else is to ask for: after so many seconds, and so many
  /// times what a request costs before its first byte.
  private static let late = (seconds: 2.0, requests: 4.0)
  /// Segments of the policy's length that are far longer than was meant.
  private static let farTooLong = 2.0
  /// What must be left of a segment that is split, in seconds and in times of what a request costs: the older
  /// request breaks its connection for it.
  private static let worthSplitting = (seconds: 0.1, requests: 4.0)
  /// How long a request must have been at it before it is asked for twice, in seconds, and in times of what a
  /// request costs: a server may think for long before its first byte; one that began and crawls is another
  /// matter.
  private static let straggling = (silent: 2.0, crawling: 0.5, requests: 4.0)
  /// What a straggler must have left, in seconds and in times of what a second request would take.
  private static let worthRepeating = (seconds: 0.5, fresh: 2.0)

  mutating func assign(now: Moment, _ actions: inout [SchedulerAction]) {
    let most = mostRequests(now: now)
    while requests.count < most {
      guard let fetch = nextFetch(now: now) else { return }
      actions.append(.fetch(fetch))
    }
    makeRoomForReaders(now: now, &actions)
  }

  /// After a refusal those who are served go on; where nobody was, one asks until a byte comes.
  ///
  /// What is asked for alone waits until the server has counted that all others are over.
  func mostRequests(now: Moment) -> Int {
    if trouble.denials.lone != nil { return now - headway.lastAt < Denials.wake ? 0 : 1 }
    if now < refusedUntil { return min(served, decision.poolSize) }
    return trouble.rounds > 0 ? min(max(1, served), decision.poolSize) : decision.poolSize
  }

  /// What is needed sooner goes first, down to its last bytes: they are split and asked for twice
  /// before others begin.
  private mutating func nextFetch(now: Moment) -> Fetch? {
    if let lone = trouble.denials.lone {
      return takePending(lone, for: blobs[lone].urgency, now: now)
    }
    if let fetch = splitAtReader(now: now) { return fetch }
    for urgency in Urgency.allCases.reversed() where urgencies.contains(urgency) {
      if urgency == .spare || urgency == .ahead && !mayFetchAhead(now: now) { return nil }
      if let blob = blobToServe(urgency, now: now) {
        return takePending(blob, for: urgency, now: now)
      }
      if let fetch = splitLargest(urgency, now: now) ?? overtakeStraggler(urgency, now: now) {
        return fetch
      }
    }
    return nil
  }

  /// Ends a segment before its end: what came of it is kept, and somebody else asks for the rest.
  mutating func handBack(_ id: SegmentID, _ actions: inout [SchedulerAction]) {
    guard let segment = segments[id] else { return }
    for request in segment.requests {
      requests[request] = nil
      actions.append(.cancel(request))
    }
    remove(id)
    var piece = Piece(range: segment.position..<segment.range.upperBound)
    piece.failures = segment.failures
    giveBack(piece, of: segment.blob)
  }

  /// Hands back the segment of a request that is late, or would be at it for far longer than was meant.
  mutating func handBackIfLate(
    _ id: RequestID, now: Moment, _ actions: inout [SchedulerAction]
  ) {
    guard let request = requests[id], let segment = segments[request.segment],
      now - request.startedAt > Self.late.seconds + Self.late.requests * requestSeconds
    else { return }
    let left = secondsLeft(segment, now: now) ?? .infinity
    guard request.respondedAt == nil || left > Self.farTooLong * decision.segmentSeconds
    else { return }
    handBack(request.segment, &actions)
  }

  // MARK: Pending bytes

  /// A blob that nobody fetches yet, in order; else the one with most pending bytes for each request.
  mutating func blobToServe(_ urgency: Urgency, now: Moment) -> BlobID? {
    var best: (id: BlobID, share: Double)?
    for id in blobs.candidates() {
      let blob = blobs[id]
      guard blob.needs(urgency, at: now) else { continue }
      let busy = blob.segments.count
      if busy == 0 { return id }
      guard blob.ranged else { continue }
      let share = Double(blob.pendingBytes) / Double(busy)
      if share > best?.share ?? 0 { best = (id, share) }
    }
    return best?.id
  }

  mutating func takePending(_ id: BlobID, for urgency: Urgency, now: Moment) -> Fetch? {
    if !blobs[id].ranged { bytesLeft += blobs[id].mergePending() }
    if urgency > blobs[id].urgency, blobs[id].ranged { return takePart(id, now: now) }
    let isOne = !blobs[id].ranged || blobs[id].size <= settings.wholeBlob
    let index: Int
    if isOne {
      // Of what is left of it, the piece that a reader comes to soonest: another one would be
      // handed back for it at once, for ever.
      let soonest = blobs[id].ranged ? blobs[id].next(at: now)?.index : nil
      guard let first = soonest ?? blobs[id].firstEligible(at: now) else { return nil }
      index = first
    } else {
      guard let next = blobs[id].next(at: now) else { return nil }
      index = blobs[id].cut(next.index, at: next.start)
    }
    let length = isOne ? Self.allBytes : segmentLength(rate: typicalRate(at: now))
    let piece = blobs[id].take(index, length: length)
    return start(id, piece, origin: .pending, now: now)
  }

  /// What somebody reads of a blob, and no more: the rest is needed later, or by nobody.
  private mutating func takePart(_ id: BlobID, now: Moment) -> Fetch? {
    guard let next = blobs[id].nextRead(at: now) else { return nil }
    let index = blobs[id].cut(next.index, at: next.bytes.lowerBound)
    let length = min(Int64(next.bytes.count), segmentLength(rate: typicalRate(at: now)))
    let piece = blobs[id].take(index, length: length)
    let fetch = start(id, piece, origin: .pending, now: now)
    segments[fetch.segment]?.isPart = true
    return fetch
  }

  /// How soon a segment is needed.
  func urgency(of segment: SegmentState) -> Urgency {
    segment.isPart ? .read : blobs[segment.blob].urgency
  }

  /// Bytes for the next segment: what a worker gets through in the policy's time.
  ///
  /// No more than half of a fair share of what is left, so that the last segments are short and end
  /// together, but enough to be worth a request.
  func segmentLength(rate: Double?) -> Int64 {
    let share = Double(bytesLeft + bytesToCome) / Double(2 * decision.poolSize)
    let wanted = rate.map { $0 * decision.segmentSeconds } ?? Double(settings.firstSegment)
    let bounded = min(wanted * stagger, Double(settings.maximumSegment))
    let worth = min(bounded, (rate ?? 0) * settings.requestsWorth * requestSeconds)
    return max(
      settings.minimumSegment, Int64(exactly: min(bounded, max(worth, share)).rounded(.down)) ?? 0)
  }

  /// A factor from 0.6 to 1.4 that differs from one segment to the next, so that workers which began
  /// together do not all wait for a next response at the same time.
  private var stagger: Double {
    let golden = Double(nextNumber) * 0.618_033_988_749_895
    return 0.6 + 0.8 * (golden - golden.rounded(.down))
  }

  /// Bytes per second that one worker can expect: of requests that ended, else of those in flight.
  func typicalRate(at now: Moment) -> Double? {
    if let typicalRate { return typicalRate }
    // Sorted, because a sum of floating-point numbers depends on their order.
    let rates = segments.values.compactMap { $0.rate.bytesPerSecond(at: now) }.sorted()
    return rates.isEmpty ? nil : rates.reduce(0, +) / Double(rates.count)
  }

  /// Bytes per second that a fresh request could expect beside those in flight: their median where
  /// there are enough, because requests that ended may have had the line for fewer.
  private func peerRate(at now: Moment) -> Double? {
    let rates = segments.values.compactMap { $0.rate.bytesPerSecond(at: now) }.filter { $0 > 0 }
      .sorted()
    return rates.count >= Self.enoughPeers ? rates[rates.count / 2] : typicalRate ?? rates.last
  }

  mutating func start(
    _ blob: BlobID, _ piece: Piece, origin: Fetch.Origin, now: Moment
  ) -> Fetch {
    let segment = SegmentID(number: nextNumber)
    nextNumber += 1
    blobs[blob].segments.insert(segment)
    segments[segment] = SegmentState(
      blob: blob, range: piece.range, position: piece.range.lowerBound, failures: piece.failures,
      requests: [],
      rate: RateEstimate(at: now, position: piece.range.lowerBound))
    return request(segment, range: piece.range, origin: origin, now: now)
  }

  private mutating func request(
    _ segment: SegmentID, range: Range<Int64>, origin: Fetch.Origin, now: Moment
  ) -> Fetch {
    let request = RequestID(number: nextNumber)
    nextNumber += 1
    let blob = segments[segment]?.blob ?? BlobID(index: 0)
    let state = blobs[blob]
    requests[request] = RequestState(
      segment: segment, startedAt: now, startPosition: range.lowerBound,
      ranged: state.ranged && range != 0..<state.size)
    segments[segment]?.requests.append(request)
    return Fetch(
      request: request, segment: segment, blob: blob, range: range, ranged: state.ranged,
      stalls: max(segments[segment]?.failures.stalls ?? 0, trouble.stalls), origin: origin)
  }

  // MARK: The tail

  /// Seconds that a segment still needs at its present rate; nil while that cannot be said.
  func secondsLeft(_ segment: SegmentState, now: Moment) -> Double? {
    guard let rate = segment.rate.bytesPerSecond(at: now) else { return nil }
    return rate > 0 ? Double(segment.remaining) / rate : .infinity
  }

  /// What a new request costs before its first byte, in seconds.
  var requestSeconds: Double { typicalFirstByte ?? Self.usualFirstByte }

  /// Gives an idle worker the second half of the segment that will be busy longest.
  ///
  /// The older request must break its connection at the new end, so a split has to save clearly
  /// more than a request costs.
  private mutating func splitLargest(_ urgency: Urgency, now: Moment) -> Fetch? {
    var best: (id: SegmentID, seconds: Double)?
    for (id, segment) in segments
    where segment.requests.count == 1 && self.urgency(of: segment) == urgency
      && blobs[segment.blob].ranged
      && segment.remaining >= 2 * settings.splits.smallest
      // A server that is slow with its heads is not helped by more of them.
      && requests[segment.requests[0]]?.respondedAt != nil
    {
      let least = Self.worthSplitting.seconds + Self.worthSplitting.requests * requestSeconds
      guard let seconds = secondsLeft(segment, now: now), seconds > least,
        segment.remaining >= 2 * settings.splits.minimum || seconds > settings.splits.longest
      else { continue }
      if seconds > best?.seconds ?? 0
        || (seconds == best?.seconds && id.number < best?.id.number ?? .max)
      {
        best = (id, seconds)
      }
    }
    guard let best, let segment = segments[best.id] else { return nil }
    let middle = segment.position + segment.remaining / 2
    segments[best.id]?.range = segment.range.lowerBound..<middle
    let fetch = start(
      segment.blob, Piece(range: middle..<segment.range.upperBound), origin: .split(best.id),
      now: now)
    segments[fetch.segment]?.isPart = segment.isPart
    return fetch
  }

  /// Asks for what a straggler still owes by a second request, where that should overtake it.
  private mutating func overtakeStraggler(_ urgency: Urgency, now: Moment) -> Fetch? {
    var worst: (id: SegmentID, seconds: Double)?
    let peers = peerRate(at: now)
    for (id, segment) in segments
    where segment.requests.count == 1 && segment.repeatNotBefore <= now
      && self.urgency(of: segment) == urgency
    {
      guard let request = requests[segment.requests[0]] else { continue }
      let isWhole = !blobs[segment.blob].ranged
      // A second request begins with what passes, too.
      if isPassing(request) { continue }
      let waited = now - request.startedAt
      let left = secondsLeft(segment, now: now) ?? (request.respondedAt == nil ? .infinity : 0)
      let owed = isWhole ? segment.range.upperBound : segment.remaining
      let fresh = requestSeconds + Double(owed) / (peers ?? .infinity)
      let (limit, worth) = (Self.straggling, Self.worthRepeating)
      let patience = request.respondedAt == nil ? limit.silent : limit.crawling
      guard waited > patience + limit.requests * requestSeconds,
        left > worth.seconds + worth.fresh * fresh
      else { continue }
      if left > worst?.seconds ?? 0
        || (left == worst?.seconds && id.number < worst?.id.number ?? .max)
      {
        worst = (id, left)
      }
    }
    guard let worst, let segment = segments[worst.id] else { return nil }
    return request(
      worst.id, range: segment.position..<segment.range.upperBound, origin: .straggler, now: now)
  }
}
