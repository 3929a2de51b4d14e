import Progress
import Registry
import Scheduling
import Transfer
import Tuning

/// What the policy is told, what it decided, and what there is to learn from both.
extension PullLoop {
  /// Hands the engine's readings to the scheduler, for its next sample.
  func measure() {
    let readings = source.engineReadings()
    let seconds = now - readAt
    guard seconds > 0 else { return }
    func share(_ spent: Double) -> Double { min(1, max(0, spent / seconds)) }
    let measured = Readings(
      roundTripSeconds: readings.roundTripSeconds,
      smallestRoundTripSeconds: readings.smallestRoundTripSeconds,
      engineBusy: share(readings.busySeconds - lastReadings.busySeconds),
      diskBusy: share(readings.diskSeconds - lastReadings.diskSeconds))
    lastReadings = readings
    readAt = now
    perform(scheduler.handle(.measured(measured), now: now))
  }

  /// Keeps a decision, if it is another one.
  func note(_ decision: PoolDecision) {
    let last = decisions.last?.decision
    let isResized = last?.poolSize != decision.poolSize
    guard isResized || last?.reason != decision.reason else { return }
    if isResized { display.show(.pool(workers: decision.poolSize, reason: decision.reason)) }
    decisions.append(PullReport.Decision(at: now.seconds, decision: decision))
  }

  /// What the downloads were like so far.
  func report() -> PullReport {
    let layers = entries.compactMap { entry -> PullReport.Layer? in
      guard let start = entry.startedAt else { return nil }
      return PullReport.Layer(
        digest: entry.descriptor.digest, size: entry.descriptor.size,
        fetched: max(0, entry.shown.done - entry.had),
        seconds: (entry.endedAt ?? now.seconds) - start, retries: entry.retries,
        isComplete: entry.endedAt != nil)
    }
    return PullReport(
      policy: policyName, record: recorder.record(at: now), layers: layers, decisions: decisions,
      blobHost: source.busiestHost, isComplete: unfinished == 0)
  }
}
