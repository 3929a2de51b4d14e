package import Tuning

/// What the policy gets to see.
extension Scheduler {
  /// The share of the newest request in what is typical of those that ended: of about the last ten.
  private static let newestShare = 0.2

  /// What is typical of requests, once another one is known.
  static func typical(_ known: Double?, after newest: Double) -> Double {
    known.map { $0 * (1 - newestShare) + newest * newestShare } ?? newest
  }

  /// Takes a sample, asks the policy, and obeys.
  mutating func takeSample(now: Moment, _ actions: inout [SchedulerAction]) {
    let sample = sample(now: now)
    gathered = Gathered()
    nextSample = now + settings.sampleSeconds
    decision = policy.observe(sample)
    actions.append(.sampled(sample, decision))
    retire(now: now, &actions)
    handBackStragglers(now: now, &actions)
  }

  /// Makes a pool as small as it was set to, where that would not come about by itself.
  ///
  /// A worker that is to go finishes its segment, which was cut to last as long as the policy wanted. On a
  /// path much slower than it seemed it lasts many times that, and so would a wrong opening; and where the
  /// policy saw that they do harm, they are to go at once. Then the segments that would end last are handed
  /// back, and what came of them is kept.
  private mutating func retire(now: Moment, _ actions: inout [SchedulerAction]) {
    let surplus = requests.count - decision.poolSize
    guard surplus > 0 else { return }
    let ends = segments.filter { $0.value.requests.count == 1 }
      .map { (id: $0.key, seconds: secondsLeft($0.value, now: now) ?? .infinity) }
      .sorted { ($0.seconds, $0.id.number) < ($1.seconds, $1.id.number) }
    // So many end soon enough by themselves.
    let patience = decision.leavingSeconds ?? decision.segmentSeconds
    let soon = ends.count { $0.seconds <= patience }
    guard surplus > soon else { return }
    for (id, _) in ends.reversed().prefix(surplus - soon) {
      guard let segment = segments[id], blobs[segment.blob].ranged else { continue }
      handBack(id, &actions)
    }
  }

  /// Whether a request brings what is not wanted yet, as far as can be seen: of a whole blob, what
  /// comes before the first byte that is missing.
  func isPassing(_ request: RequestState) -> Bool {
    guard request.respondedAt != nil, let segment = segments[request.segment] else { return false }
    return !blobs[segment.blob].ranged && request.startPosition > 0
      && segment.position == request.startPosition
  }

  /// The state of the pull at this moment, in the policy's terms.
  ///
  /// - Parameter now: the present moment.
  package func sample(now: Moment) -> Sample {
    let carrying = requests.values.count { $0.respondedAt != nil && !isPassing($0) }
    var limit: Sample.AppLimit?
    if requests.count < decision.poolSize {
      let waiting = refusedUntil > now || blobs.hasPending
      limit = waiting ? .backingOff : .nothingLeft
    }
    return Sample(
      now: now, poolSize: decision.poolSize, open: requests.count, carrying: carrying,
      bytesDone: bytesDone, bytesLeft: bytesLeft + bytesToCome,
      firstByteSeconds: gathered.firstByteSeconds,
      connectSeconds: gathered.connectSeconds, refusals: gathered.refusals, appLimit: limit,
      readings: gathered.readings,
      endedRates: gathered.endedRates.isEmpty ? nil : gathered.endedRates)
  }
}
