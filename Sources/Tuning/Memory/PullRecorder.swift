/// Cuts a pull's samples into epochs, whatever the policy is.
///
/// An epoch is measured from when the pool has settled at a size until the size changes, work runs out,
/// or it has lasted long enough for another one to begin, so that a long stay gives several readings.
public struct PullRecorder: Sendable {
  /// Longest epoch, in seconds.
  private static let longest = 3.0
  /// Shortest epoch that is kept, in seconds.
  private static let shortest = 0.2
  /// Part of the workers that must carry data before measuring.
  private static let settledShare = 0.7

  private struct Open {
    var at: Moment
    var bytes: Int64
    var roundTrip: Double?
    var isAppLimited = false
  }

  private var poolSize = 0
  private var reason = ""
  private var changedAt: Moment
  private var open: Open?
  private var last: (now: Moment, bytes: Int64)
  private var epochs: [Epoch] = []
  private var idle: Double?
  private var servedAtRefusals: [Int] = []
  private var mostCarrying = 0
  private var limit: PullRecord.Limit?

  /// Makes a recorder.
  ///
  /// - Parameter opening: what the policy was told at the start.
  public init(opening: Opening) {
    changedAt = opening.now
    last = (opening.now, 0)
  }

  /// Takes what the policy saw and said.
  public mutating func observe(_ sample: Sample, _ decision: PoolDecision) {
    let readings = sample.readings.roundTripSeconds.min()
    idle = [idle, readings, sample.readings.smallestRoundTripSeconds].compactMap { $0 }.min()
    mostCarrying = max(mostCarrying, sample.carrying)
    servedAtRefusals.append(contentsOf: sample.refusals.map(\.served))
    if sample.poolSize != poolSize {
      close()
      poolSize = sample.poolSize
      changedAt = sample.now
    }
    reason = decision.reason
    limit = decision.limit ?? limit
    last = (sample.now, sample.bytesDone)
    let isAppLimited = sample.appLimit != nil
    if let current = open, current.isAppLimited != isAppLimited { close() }
    measure(sample, readings)
    if decision.poolSize != poolSize {
      close()
      poolSize = decision.poolSize
      changedAt = sample.now
    }
  }

  private mutating func measure(_ sample: Sample, _ roundTrip: Double?) {
    guard var current = open else {
      let settled = Double(sample.carrying) >= Self.settledShare * Double(poolSize)
      let wait = max(0.2, 4 * (idle ?? 0.05))
      let hasWaited = sample.now - changedAt >= wait || sample.appLimit != nil
      guard settled, hasWaited else { return }
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

  /// What was seen so far.
  ///
  /// - Parameter now: when the downloads ended.
  public func record(at now: Moment) -> PullRecord {
    var copy = self
    copy.close()
    return PullRecord(
      seconds: now.seconds, bytes: last.bytes, epochs: copy.epochs, idleRoundTripSeconds: idle,
      servedAtRefusals: servedAtRefusals, mostCarrying: mostCarrying, limitedBy: limit)
  }
}
