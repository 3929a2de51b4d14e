package import Tuning

/// What happens to the bytes of a request that failed: asked for again, when, and how often.
extension Scheduler {
  /// Server errors in a row, without a useful byte between, that count as overload of the whole server.
  private static let errorsOfOverload = 3
  /// Refusals of one range in a row that are taken for odd, where other ranges of the blob were served.
  private static let oddRanges = 3
  /// Times that a server which nobody has reached yet is tried again.
  private static let looksAtAbsence = 1
  /// Times the doubts of one place that all places of a blob may have together.
  private static let placesOfDoubt = 2
  /// Times the stalls, and the retries, that one place may have where others get on.
  private static let besideOthers = (stalls: 2, retries: 4)

  /// A request is over, and has not brought all that it was to bring.
  mutating func fail(
    _ id: RequestID, _ told: FetchFailure, now: Moment, _ actions: inout [SchedulerAction]
  ) {
    guard let request = requests[id], var segment = segments[request.segment] else { return }
    if segment.remaining == 0 {
      // Another request, or this one, brought the last byte before it failed.
      finish(id, now: now, &actions)
      return
    }
    requests[id] = nil
    trouble.denials.noteEnd(of: segment.blob)
    if told == .stalled { trouble.countStall(of: request, at: now) }
    let said = told == .denied && !isAlone(request) ? .refused(retryAfter: nil) : told
    let failure = asRefusal(said, of: request, at: now)
    if case .refused(let retryAfter) = failure {
      gathered.refusals.append(
        .init(at: now, served: requests.count, retryAfter: retryAfter))
      countRound(request, now: now)
    }
    segment.requests.removeAll { $0 == id }
    if !segment.requests.isEmpty {
      segment.repeatNotBefore = now + settings.maximumBackoff
      segments[request.segment] = segment
      return
    }
    remove(request.segment)
    let rest = Piece(range: segment.position..<segment.range.upperBound, failures: segment.failures)
    guard !request.ranged || blobs[segment.blob].ranged else {
      // The blob is asked for as a whole by now; that a range failed says nothing more.
      giveBack(rest, of: segment.blob)
      return
    }
    let failed = FailedRequest(
      id: id, state: request, said: said, failure: failure, isDenial: told == .denied)
    giveBack(rest, of: segment.blob, after: failed, now: now, &actions)
  }

  /// A request that failed, and was the last one of its segment.
  private struct FailedRequest {
    let id: RequestID
    let state: RequestState
    /// What came of it.
    let said: FetchFailure
    /// What that is taken for.
    let failure: FetchFailure
    /// Whether it was denied, whatever that is taken for.
    let isDenial: Bool
  }

  /// Gives back what a request has not brought: to be asked for later, or without a range, or never.
  private mutating func giveBack(
    _ rest: Piece, of blob: BlobID, after request: FailedRequest, now: Moment,
    _ actions: inout [SchedulerAction]
  ) {
    let (said, failure) = (request.said, request.failure)
    var piece = rest
    piece.failures = rest.failures.adding(request.isDenial ? .denied : failure, at: now)
    // One odd answer among good ones must not make the rest of a large blob come from its beginning.
    let most = blobs[blob].servesRanges ? Self.oddRanges : 1
    if piece.failures.rangeRefusals > most { blobs[blob].ranged = false }
    if failure.isDoubt || request.isDenial && bytesDone == 0 { blobs[blob].doubts += 1 }
    // What is denied beside others may be well, until it is asked for alone.
    let isBeside = request.isDenial && said.isRefusal
    // A blob that is not there has many places to ask for, and none that will come.
    let isOver =
      !isBeside
      && (mustGiveUp(piece.failures, failure, previousAt: rest.failures.lastAt)
        || blobs[blob].doubts >= Self.placesOfDoubt * settings.doubts && isCertain(failure))
    // Before a blob is given up it is asked for as a whole, whatever was said of its ranges; after
    // refusals where it may be that only ranges are refused.
    let isLastResort =
      isOver && request.state.ranged && blobs[blob].ranged && said != .stalled
      && said != .absent
      && (!said.isRefusal || !blobs.servesRanges)
    if isLastResort || mayBeTheRange(said, request.state, piece, blob) {
      blobs[blob].ranged = false
      giveBack(piece, of: blob)
      return
    }
    if isOver {
      giveBack(piece, of: blob)
      giveUp(blob, because: request.id, &actions)
      return
    }
    if said.isRefusal { takeRefusal(of: request.state, blob) }
    piece.notBefore = now + delay(for: piece, failure, now: now)
    if isBeside, piece.failures.doubts >= min(settings.doubts - 1, settings.retries) {
      trouble.denials.isolate(blob)
      piece.notBefore = now
    }
    giveBack(piece, of: blob)
    finishBlobIfComplete(blob, &actions)
  }

  /// Overload has many codes, and may have none: errors of any, in a row and with nothing good
  /// between, are taken for it, and connections that end before an answer while others go on.
  private mutating func asRefusal(
    _ failure: FetchFailure, of request: RequestState, at now: Moment
  ) -> FetchFailure {
    let isOverload: Bool
    switch failure {
    case .serverError:
      trouble.errors += 1
      isOverload = trouble.errors >= Self.errorsOfOverload
    case .transient where request.respondedAt == nil:
      isOverload = trouble.hangUps.note(at: now, progress: headway.lastAt, others: requests.count)
    case .transient:
      trouble.hangUps.noteBreak()
      isOverload = false
    default: isOverload = false
    }
    return isOverload ? .refused(retryAfter: nil) : failure
  }

  /// Whether it counts how often something was said of all places of a blob: denials of many at once say
  /// nothing where others were served.
  private func isCertain(_ failure: FetchFailure) -> Bool {
    failure == .doubtful || failure == .denied && bytesDone == 0
  }

  private func isAlone(_ request: RequestState) -> Bool {
    trouble.denials.isAlone(
      startedAt: request.startedAt, others: requests.count,
      progress: bytesDone > 0 ? headway.lastAt : nil)
  }

  private mutating func countRound(_ request: RequestState, now: Moment) {
    if let counted = trouble.countedAt, request.startedAt <= counted { return }
    trouble.rounds += 1
    trouble.countedAt = now
  }

  /// Whether it may be the range, not the blob, that the server does not like: whatever code it has for that.
  ///
  /// The blob is asked for as a whole, where no range of any blob was ever served.
  private func mayBeTheRange(
    _ failure: FetchFailure, _ request: RequestState, _ piece: Piece, _ blob: BlobID
  ) -> Bool {
    guard request.ranged, blobs[blob].ranged, !blobs.servesRanges else { return false }
    switch failure {
    case .fatal: return true
    // Once may be anything: somebody on the way, or a server out of breath.
    case .doubtful, .denied, .serverError: return piece.failures.count > 1
    // Ranges of what a server has to fetch first may be more than it can do.
    // Where others come whole meanwhile, it is the range that nothing is said to.
    case .stalled: return rangeTrial.wholesCome || max(piece.failures.stalls, trouble.stalls) > 1
    // A server that hangs up on ranges; those that cannot be reached say nothing of them.
    case .transient: return piece.failures.count > 1 && request.isSent
    case .refused, .rangeRefused, .absent: return false
    }
  }

  /// A refusal for load may be one of ranges: whether it is, one request for a whole blob shows, which
  /// waits as long as any other.
  private mutating func takeRefusal(of request: RequestState, _ blob: BlobID) {
    guard !blobs.servesRanges else { return }
    if let tried = rangeTrial.blob, blobs[tried].isOver { rangeTrial.blob = nil }
    if request.ranged, rangeTrial.isProven {
      endRanges()
    } else if request.ranged, blobs[blob].ranged, rangeTrial.begins(with: blob, trouble.rounds) {
      blobs[blob].ranged = false
    } else if !request.ranged, rangeTrial.fails(with: blob, trouble.rounds) {
      blobs[blob].ranged = true
    }
  }

  private mutating func endRanges() {
    blobs.endRanges()
    allAreWhole = true
  }

  /// Bytes of a blob came: by a range, or in answer to a request without one, which teaches for all
  /// blobs where ranges only fail.
  mutating func noteServed(_ blob: BlobID, byRange isRange: Bool) {
    guard !isRange else {
      if blobs[blob].ranged { blobs[blob].servesRanges = true }
      return
    }
    rangeTrial.wholesCome = true
    if !allAreWhole, !blobs[blob].ranged, !blobs.servesRanges {
      // The server may have come to itself in this very moment: the next range shows.
      if rangeTrial.blob == blob { rangeTrial.isProven = true } else { endRanges() }
    }
  }

  /// Retries end when nothing at all arrived between two failures, or when one place fails for ever.
  private func mustGiveUp(_ run: FailureRun, _ failure: FetchFailure, previousAt: Moment?) -> Bool {
    let othersProgress = previousAt.map { headway.lastAt > $0 } ?? false
    switch failure {
    case .fatal:
      return true
    case .refused(let retryAfter?) where retryAfter > settings.maximumRetryAfter:
      return true
    case .doubtful:
      guard run.doubts >= settings.doubts || run.count > settings.retries else { return false }
      return !othersProgress || run.count > settings.retries
    case .denied:
      return run.doubts >= settings.doubts || run.count > settings.retries
    case .refused:
      return (run.count > settings.retries && !othersProgress)
        || trouble.rounds > settings.retries
    case .rangeRefused where run.rangeRefusals <= Self.oddRanges + 1:
      // The blob has not been asked for without a range yet.
      return false
    case .stalled:
      return trouble.stalls >= settings.stalls
        || run.stalls >= Self.besideOthers.stalls * settings.stalls
    case .absent:
      guard run.count > Self.looksAtAbsence else { return false }
      return !othersProgress || run.count > settings.retries
    case .transient, .serverError, .rangeRefused:
      guard run.count > settings.retries else { return false }
      return !othersProgress || run.count > Self.besideOthers.retries * settings.retries
    }
  }

  /// Exponential back-off with full jitter above one half, never earlier than `Retry-After`.
  private mutating func delay(for piece: Piece, _ failure: FetchFailure, now: Moment) -> Double {
    if failure == .rangeRefused { return 0 }
    var refusal: Double?
    var longest = settings.maximumBackoff
    var count = piece.failures.count
    if case .refused(let retryAfter) = failure {
      refusal = retryAfter ?? 0
      count = max(count, trouble.rounds)
      // A server that says when to come back is not helped by those who come much later.
      if let retryAfter { longest = min(longest, 2 * max(retryAfter, settings.backoff)) }
    }
    var ceiling = settings.backoff
    for _ in 1..<max(1, min(count, 16)) where ceiling < longest { ceiling *= 2 }
    let jittered = min(ceiling, longest) * Double.random(in: 0.5...1, using: &random)
    if let refusal {
      let wait = max(refusal, jittered)
      // The whole server is loaded, not one blob: nobody may take the place of who was refused. Those who
      // are being served go on; each that is refused next is one fewer, down to none where all are.
      refusedUntil = max(refusedUntil, now + wait)
      served = requests.count
      return wait
    }
    return jittered
  }

  private mutating func giveUp(
    _ id: BlobID, because request: RequestID, _ actions: inout [SchedulerAction]
  ) {
    guard !blobs[id].isOver else { return }
    abandon(id, &actions)
    actions.append(.giveUp(id, request))
  }

  /// Ends what is under way of a blob; what is missing of it is nothing that is left to do.
  mutating func abandon(_ id: BlobID, _ actions: inout [SchedulerAction]) {
    guard !blobs[id].isOver else { return }
    trouble.denials.noteEnd(of: id)
    bytesLeft -= blobs[id].pendingBytes
    for segment in blobs[id].segments.sorted(by: { $0.number < $1.number }) {
      bytesLeft -= segments[segment]?.remaining ?? 0
      for other in segments[segment]?.requests ?? [] {
        requests[other] = nil
        actions.append(.cancel(other))
      }
      segments[segment] = nil
    }
    blobs[id].segments = []
    blobs[id].pending = []
    blobs[id].isOver = true
  }

  /// When something is to be asked for that may not be asked for yet; nil: nothing is pending.
  package var nextDue: Moment? {
    var due: Moment?
    for blob in blobs.states where !blob.isOver {
      for piece in blob.pending where due.map({ piece.notBefore < $0 }) ?? true {
        due = piece.notBefore
      }
    }
    guard let due else { return nil }
    return openRequests == 0 ? max(due, refusedUntil) : due
  }
}
