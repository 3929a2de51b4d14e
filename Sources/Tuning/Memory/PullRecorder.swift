/// What is to be learned of a pull, put together from its samples, whatever the policy is; seconds in
/// which nothing came count for nothing.
package struct PullRecorder: Sendable {
  private var watched: Outages<EpochRecorder>

  /// Makes a recorder.
  ///
  /// - Parameters:
  ///   - opening: what the policy was told at the start.
  ///   - limits: what the pull may not exceed.
  ///   - prior: what earlier pulls over the path taught.
  package init(opening: Opening, limits: PullLimits = .init(), prior: Prior? = nil) {
    watched = Outages(
      EpochRecorder(opening: opening, limits: limits, prior: prior), from: opening.now)
  }

  /// Takes what the policy saw and said.
  package mutating func observe(_ sample: Sample, _ decision: PoolDecision) {
    watched.observe(sample) { $0.observe($1, decision) }
  }

  /// What was seen so far.
  ///
  /// - Parameter now: when the downloads ended.
  package func record(at now: Moment) -> PullRecord {
    var record = watched.observer.record(at: now - watched.seconds)
    record.seconds = now.seconds
    record.evidence.seconds = now.seconds
    if watched.seconds > 0 { record.evidence.silent = watched.seconds }
    return record
  }
}
