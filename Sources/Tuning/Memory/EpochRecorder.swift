/// Cuts a pull's samples into epochs.
///
/// An epoch is measured from when the pool has settled at a size until the size changes, work runs out,
/// or it has lasted long enough for another one to begin, so that a long stay gives several readings.
struct EpochRecorder: Sendable {
  /// Longest epoch, in seconds.
  private static let longest = 3.0
  /// Shortest epoch that is kept, in seconds.
  private static let shortest = 0.2

  private struct Open {
    var at: Moment
    var bytes: Int64
    var roundTrip: Double?
    var isAppLimited = false
  }

  private var poolSize = 0
  private var reason = ""
  private var changedAt: Moment
  private var bytesAtChange: Int64 = 0
  private var open: Open?
  private var last: (now: Moment, bytes: Int64)
  private var epochs: [Epoch] = []
  private var idle: Double?
  private var servedAtRefusals: [Int] = []
  private var mostCarrying = 0
  private var witness: Witness

  init(opening: Opening, limits: PullLimits, prior: Prior?) {
    witness = Witness(limits: limits, prior: prior)
    changedAt = opening.now
    last = (opening.now, 0)
  }

  /// Takes what the policy saw and said.
  mutating func observe(_ sample: Sample, _ decision: PoolDecision) {
    witness.observe(sample)
    if poolSize > 0, sample.now - last.now > Sample.pause {
      close()
      (changedAt, bytesAtChange) = (sample.now, sample.bytesDone)
    }
    let readings = sample.readings.roundTripSeconds.min()
    idle = [idle, readings, sample.readings.smallestRoundTripSeconds].compactMap { $0 }.min()
    mostCarrying = max(mostCarrying, sample.carrying)
    servedAtRefusals.append(contentsOf: sample.refusals.map(\.served))
    if sample.poolSize != poolSize {
      close()
      // The first sample comes after the pool has opened; what it brought counts.
      bytesAtChange = poolSize == 0 ? 0 : sample.bytesDone
      changedAt = poolSize == 0 ? changedAt : sample.now
      poolSize = sample.poolSize
    }
    reason = decision.reason
    last = (sample.now, sample.bytesDone)
    let isAppLimited = sample.appLimit != nil
    if let current = open, current.isAppLimited != isAppLimited { close() }
    measure(sample, readings)
    if decision.poolSize != poolSize {
      close()
      poolSize = decision.poolSize
      changedAt = sample.now
      bytesAtChange = sample.bytesDone
    }
  }

  private mutating func measure(_ sample: Sample, _ roundTrip: Double?) {
    guard var current = open else {
      let wait = max(0.2, 4 * (idle ?? 0.05))
      let hasWaited = sample.now - changedAt >= wait || sample.appLimit != nil
      guard sample.isCarried(by: poolSize), hasWaited else { return }
      open = Open(
        at: sample.now, bytes: sample.bytesDone, roundTrip: roundTrip,
        isAppLimited: sample.appLimit != nil)
      return
    }
    current.roundTrip = [current.roundTrip, roundTrip].compactMap { $0 }.min()
    open = current
    if sample.now - current.at >= Self.longest { close() }
  }

  private mutating func close() {
    guard let current = open else { return }
    open = nil
    let seconds = last.now - current.at
    guard seconds >= Self.shortest else { return }
    epochs.append(
      Epoch(
        poolSize: poolSize, startedAt: current.at.seconds, seconds: seconds,
        bytes: last.bytes - current.bytes, roundTripSeconds: current.roundTrip,
        isAppLimited: current.isAppLimited, reason: reason))
  }

  /// The whole time at the last size, opening and tail included: with all workers busy all the time it
  /// would have brought more, so it is a bound, and all that a short pull has to say.
  private func bound(at now: Moment) -> Epoch? {
    let seconds = now - changedAt
    guard poolSize > 0, seconds >= Self.shortest, last.bytes > bytesAtChange else { return nil }
    return Epoch(
      poolSize: poolSize, startedAt: changedAt.seconds, seconds: seconds,
      bytes: last.bytes - bytesAtChange, isAppLimited: true, reason: "all of it")
  }

  /// What was seen so far.
  ///
  /// - Parameter now: when the downloads ended.
  func record(at now: Moment) -> PullRecord {
    var copy = self
    copy.close()
    if let bound = bound(at: now) { copy.epochs.append(bound) }
    let evidence = witness.evidence(at: now)
    var record = PullRecord(
      seconds: now.seconds, bytes: last.bytes, epochs: copy.epochs, idleRoundTripSeconds: idle,
      servedAtRefusals: servedAtRefusals, mostCarrying: mostCarrying,
      limitedBy: Verdict(evidence).cause)
    record.evidence = evidence
    return record
  }
}
