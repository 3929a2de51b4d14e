public import Tuning

/// What the policy gets to see.
extension Scheduler {
  /// Takes a sample, asks the policy, and obeys.
  mutating func takeSample(now: Moment, _ actions: inout [SchedulerAction]) {
    let sample = sample(now: now)
    gathered = Gathered()
    nextSample = now + settings.sampleSeconds
    decision = policy.observe(sample)
    actions.append(.sampled(sample, decision))
  }

  /// The state of the pull at this moment, in the policy's terms.
  ///
  /// - Parameter now: the present moment.
  public func sample(now: Moment) -> Sample {
    let carrying = requests.values.count { $0.respondedAt != nil }
    var limit: Sample.AppLimit?
    if requests.count < decision.poolSize {
      let waiting = refusedUntil > now || blobs.contains { !$0.pending.isEmpty }
      limit = waiting ? .backingOff : .nothingLeft
    }
    return Sample(
      now: now, poolSize: decision.poolSize, open: requests.count, carrying: carrying,
      bytesDone: bytesDone, bytesLeft: bytesLeft + bytesToCome,
      firstByteSeconds: gathered.firstByteSeconds,
      connectSeconds: gathered.connectSeconds, refusals: gathered.refusals, appLimit: limit,
      readings: gathered.readings)
  }
}
