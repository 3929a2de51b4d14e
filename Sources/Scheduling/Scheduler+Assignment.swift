import Tuning

/// Handing out work: which bytes an idle worker gets, and how many.
extension Scheduler {
  mutating func assign(now: Moment, _ actions: inout [SchedulerAction]) {
    while requests.count < decision.poolSize, now >= pausedUntil {
      guard let fetch = nextFetch(now: now) else { return }
      actions.append(.fetch(fetch))
    }
  }

  private mutating func nextFetch(now: Moment) -> Fetch? {
    if let blob = blobToServe(now: now) { return takePending(blob, now: now) }
    return splitLargest(now: now) ?? repeatStraggler(now: now)
  }

  // MARK: Pending bytes

  /// A blob that nobody fetches yet, in order; else the one with most pending bytes for each request.
  private mutating func blobToServe(now: Moment) -> BlobID? {
    while firstPending < blobs.count, blobs[firstPending].pending.isEmpty {
      firstPending += 1
    }
    var best: (id: BlobID, share: Double)?
    for index in firstPending..<max(firstPending, blobs.count) {
      guard blobs[index].firstEligible(at: now) != nil else { continue }
      let busy = blobs[index].segments.count
      if busy == 0 { return BlobID(index: index) }
      guard blobs[index].ranged else { continue }
      let share = Double(blobs[index].pendingBytes) / Double(busy)
      if share > best?.share ?? 0 { best = (BlobID(index: index), share) }
    }
    return best?.id
  }

  private mutating func takePending(_ id: BlobID, now: Moment) -> Fetch? {
    guard let index = blobs[id.index].firstEligible(at: now) else { return nil }
    let length =
      blobs[id.index].ranged ? segmentLength(rate: typicalRate(at: now)) : Int64.max / 4
    let piece = blobs[id.index].take(index, length: length)
    return start(id, piece, origin: .pending, now: now)
  }

  /// Bytes for the next segment: what a worker gets through in the policy's time, but no more than a
  /// fair share of what is left, so that the last segments end together.
  func segmentLength(rate: Double?) -> Int64 {
    guard let rate else { return settings.minimumSegment }
    let wanted = min(rate * decision.segmentSeconds, Double(settings.maximumSegment))
    let share = (bytesLeft + bytesToCome) / Int64(decision.poolSize)
    return max(settings.minimumSegment, min(Int64(wanted), share))
  }

  /// Bytes per second that one worker can expect: of requests that ended, else of those in flight.
  private func typicalRate(at now: Moment) -> Double? {
    if let typicalRate { return typicalRate }
    let rates = segments.values.compactMap { $0.rate.bytesPerSecond(at: now) }
    return rates.isEmpty ? nil : rates.reduce(0, +) / Double(rates.count)
  }

  private mutating func start(
    _ blob: BlobID, _ piece: Piece, origin: Fetch.Origin, now: Moment
  ) -> Fetch {
    let segment = SegmentID(number: nextNumber)
    nextNumber += 1
    blobs[blob.index].segments.insert(segment)
    segments[segment] = SegmentState(
      blob: blob, range: piece.range, position: piece.range.lowerBound, failures: piece.failures,
      failedAt: piece.failedAt, requests: [],
      rate: RateEstimate(at: now, position: piece.range.lowerBound))
    return request(segment, range: piece.range, origin: origin, now: now)
  }

  private mutating func request(
    _ segment: SegmentID, range: Range<Int64>, origin: Fetch.Origin, now: Moment
  ) -> Fetch {
    let request = RequestID(number: nextNumber)
    nextNumber += 1
    requests[request] = RequestState(
      segment: segment, startedAt: now, startPosition: range.lowerBound)
    segments[segment]?.requests.append(request)
    let blob = segments[segment]?.blob ?? BlobID(index: 0)
    return Fetch(
      request: request, segment: segment, blob: blob, range: range,
      ranged: blobs[blob.index].ranged, origin: origin)
  }

  // MARK: The tail

  /// Seconds that a segment still needs at its present rate; nil while that cannot be said.
  private func secondsLeft(_ segment: SegmentState, now: Moment) -> Double? {
    guard let rate = segment.rate.bytesPerSecond(at: now) else { return nil }
    return rate > 0 ? Double(segment.remaining) / rate : .infinity
  }

  /// What a new request costs before its first byte, in seconds.
  private var requestSeconds: Double { typicalFirstByte ?? 0.2 }

  /// Gives an idle worker the second half of the segment that will be busy longest.
  ///
  /// The older request must break its connection at the new end, so a split has to save clearly
  /// more than a request costs.
  private mutating func splitLargest(now: Moment) -> Fetch? {
    var best: (id: SegmentID, seconds: Double)?
    for (id, segment) in segments
    where segment.requests.count == 1 && blobs[segment.blob.index].ranged
      && segment.remaining >= 2 * settings.minimumSplit
    {
      guard let seconds = secondsLeft(segment, now: now), seconds > 0.5 + 4 * requestSeconds else {
        continue
      }
      if seconds > best?.seconds ?? 0
        || (seconds == best?.seconds && id.number < best?.id.number ?? .max)
      {
        best = (id, seconds)
      }
    }
    guard let best, let segment = segments[best.id] else { return nil }
    let middle = segment.position + segment.remaining / 2
    segments[best.id]?.range = segment.range.lowerBound..<middle
    return start(
      segment.blob, Piece(range: middle..<segment.range.upperBound), origin: .split(best.id),
      now: now)
  }

  /// Asks again for what a straggler still owes when a fresh request should overtake it.
  private mutating func repeatStraggler(now: Moment) -> Fetch? {
    var worst: (id: SegmentID, seconds: Double)?
    for (id, segment) in segments
    where segment.requests.count == 1 && segment.repeatNotBefore <= now {
      guard let request = requests[segment.requests[0]] else { continue }
      let waited = now - request.startedAt
      let left = secondsLeft(segment, now: now) ?? (request.respondedAt == nil ? .infinity : 0)
      let fresh = requestSeconds + Double(segment.remaining) / (typicalRate ?? .infinity)
      guard waited > 2 + 4 * requestSeconds, left > 2 + 3 * fresh else { continue }
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
