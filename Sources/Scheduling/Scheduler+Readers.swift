import Tuning

/// Bytes that somebody waits for at a place of his own, wherever in the blob that is.
extension Scheduler {
  /// Seconds after a short read in which another one may follow.
  private static let readsLast = 10.0
  /// Workers that are at what is ahead of need meanwhile.
  private static let aheadBesideReads = 2

  /// Takes in what is read of a blob.
  ///
  /// A little that somebody waits for has the line: what nobody waits for would have all of it but one part
  /// in as many as there are workers. So few of those go on, until nobody has read so for a while.
  mutating func take(
    _ readers: [Range<Int64>], areShort: Bool, of blob: BlobID, now: Moment,
    _ actions: inout [SchedulerAction]
  ) {
    blobs[blob].readers = readers
    if !readers.isEmpty { urgencies.insert(.read) }
    guard areShort else { return }
    readsEndAt = now + Self.readsLast
    let surplus = ahead.filter { _, segment in
      blobs[segment.blob].ranged && segment.requests.count == 1
        && !isNextToRead(segment, now: now)
    }
    for (id, _) in latestFirst(surplus, now: now).dropLast(Self.aheadBesideReads) {
      handBack(id, &actions)
    }
  }

  /// Whether one more worker may be at what is ahead of need.
  func mayFetchAhead(now: Moment) -> Bool {
    now >= readsEndAt || ahead.count < Self.aheadBesideReads
  }

  /// Segments that nobody waits for yet.
  private var ahead: [SegmentID: SegmentState] {
    segments.filter { urgency(of: $0.value) == .ahead }
  }

  private func latestFirst(
    _ segments: [SegmentID: SegmentState], now: Moment
  ) -> [(id: SegmentID, seconds: Double)] {
    segments.map { (id: $0.key, seconds: secondsLeft($0.value, now: now) ?? .infinity) }
      .sorted { ($0.seconds, $0.id.number) > ($1.seconds, $1.id.number) }
  }

  /// Gives bytes that a reader waits for the place of what is needed later: where nobody fetches
  /// them, or whoever does has far to go until there.
  ///
  /// It is that of the segment that would be busy longest. What came of it is kept.
  mutating func makeRoomForReaders(now: Moment, _ actions: inout [SchedulerAction]) {
    guard urgencies.contains(.read), now >= refusedUntil, trouble.denials.lone == nil else {
      return
    }
    while let blob = blobToWaitFor(now: now), let latest = latestToEnd(for: blob, now: now) {
      handBack(latest, &actions)
      guard requests.count < mostRequests(now: now),
        let fetch = splitAtReader(now: now) ?? takePending(blob, for: .read, now: now)
      else { return }
      actions.append(.fetch(fetch))
    }
  }

  /// Lets an idle worker begin where a reader is, in the middle of a segment that gets there late.
  mutating func splitAtReader(now: Moment) -> Fetch? {
    guard let (id, reader) = farReader(now: now), let segment = segments[id] else { return nil }
    segments[id]?.range = segment.range.lowerBound..<reader
    return start(
      segment.blob, Piece(range: reader..<segment.range.upperBound), origin: .split(id), now: now)
  }

  /// A reader who has to wait for the bytes before his, and the oldest segment that he is in.
  private func farReader(now: Moment) -> (id: SegmentID, reader: Int64)? {
    guard urgencies.contains(.read) else { return nil }
    var oldest: (id: SegmentID, reader: Int64)?
    for (id, segment) in segments
    where id.number < oldest?.id.number ?? .max {
      let reader = blobs[segment.blob].readers.first { isFar($0, in: segment, now: now) }
      if let reader { oldest = (id, reader.lowerBound) }
    }
    return oldest
  }

  /// Whether a request of his own would bring a reader's bytes clearly sooner than a segment's does.
  private func isFar(
    _ range: Range<Int64>, in segment: SegmentState, now: Moment
  ) -> Bool {
    let reader = range.lowerBound
    guard !range.isEmpty, segment.range.contains(reader), reader > segment.position,
      blobs[segment.blob].ranged, segment.requests.count == 1
    else { return false }
    let distance = reader - segment.position
    guard let rate = segment.rate.bytesPerSecond(at: now) ?? typicalRate(at: now) else {
      return distance >= settings.minimumSegment
    }
    return Double(distance) > rate * (0.1 + 2 * requestSeconds)
  }

  /// A blob of which somebody waits for bytes that nobody fetches, or not soon.
  private mutating func blobToWaitFor(now: Moment) -> BlobID? {
    if let blob = blobToServe(.read, now: now), blobs[blob].segments.isEmpty { return blob }
    let waiting = blobs.candidates().first {
      blobs[$0].ranged && blobs[$0].keepsReaderWaiting(at: now)
    }
    return waiting ?? farReader(now: now).flatMap { segments[$0.id]?.blob }
  }

  /// The segment that will be busy longest, of those that are needed later: by how soon their blobs
  /// are, or, of the same blob, because no reader waits for what it brings soon.
  private func latestToEnd(for blob: BlobID, now: Moment) -> SegmentID? {
    let readers = blobs[blob].readers
    let others = segments.filter { _, segment in
      guard blobs[segment.blob].ranged, segment.requests.count == 1 else { return false }
      if urgency(of: segment) < .read { return !isNextToRead(segment, now: now) }
      return segment.blob == blob && !readers.isEmpty
        && !readers.contains {
          segment.range.contains($0.lowerBound) && !isFar($0, in: segment, now: now)
        }
    }
    return latestFirst(others, now: now).first?.id
  }

  /// Whether it is about to come to what somebody reads.
  private func isNextToRead(_ segment: SegmentState, now: Moment) -> Bool {
    blobs[segment.blob].readers.contains {
      !$0.isEmpty && (segment.position..<segment.range.upperBound).contains($0.lowerBound)
        && !isFar($0, in: segment, now: now)
    }
  }
}
