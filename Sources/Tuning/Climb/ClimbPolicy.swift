/// The default policy: opens by round trip, grows while there is room, then holds and tries other sizes.
///
/// Each sample goes the same way: the senses take it in, a refusal speaks first, and then the rule of the
/// present phase looks at the path. `Rules` has a file for each rule, `Phase` the drawing of what follows
/// what, `docs/design/policy.md` the evidence.
package struct ClimbPolicy: Policy {
  let prior: Prior?
  /// What this path is known for, from this machine's own pulls.
  var known: KnownPath?
  var phase = Phase.growing
  var pool = Pool()
  var bounds: Bounds
  var senses = Senses()
  var reason = Reason.opened(OpeningReason(.unknownTrip))
  var limit: PullRecord.Limit?

  /// What this climb has found.
  var climb = Climb()
  var refusals = Refusals()
  var sharing = Sharing()
  var proposals = Proposals()

  /// What each size of a climb brought.
  struct Climb: Sendable {
    /// In order.
    var levels: [Level] = []
    /// Most that one worker brought while no queue stood, in bytes per second.
    var freeSingle: Double?
    /// Highest rate seen lately.
    var peak = 0.0
    /// Whether the last workers brought nothing.
    var isFlat = false
    /// Whether fewer brought less in proportion: a limit per connection, whatever else is seen, until more
    /// were tried and were no faster.
    var isProportional = false
  }

  /// Makes the policy.
  ///
  /// - Parameters:
  ///   - maximum: largest pool size.
  ///   - prior: what earlier pulls taught; nil: nothing.
  package init(maximum: Int, prior: Prior? = nil) {
    self.prior = prior
    known = prior.flatMap { $0.isOwn ? KnownPath($0) : nil }
    bounds = Bounds(
      maximum: maximum, served: min(maximum, prior?.ceiling ?? maximum),
      harmful: known.flatMap { $0.isHarmed ? $0.ceiling + 1 : nil })
  }

  /// The name in reports.
  package var name: String { "climb" }

  /// The pool size to open with.
  package mutating func start(_ opening: Opening) -> PoolDecision {
    open(opening)
    return decision
  }

  /// Takes a sample and decides again.
  package mutating func observe(_ sample: Sample) -> PoolDecision {
    let hadGaps = senses.bursts.period != nil
    senses.observe(sample)
    bounds.observe(sample.now)
    if senses.bursts.period != nil, !hadGaps { startOverThroughGaps() }
    guard sample.refusals.isEmpty else {
      refuse(sample)
      return decision
    }
    pool.observe(sample, roundTrip: senses.queue.roundTrip)
    guard sample.appLimit != .backingOff, !isTail(sample) else { return decision }
    guard let landing = pool.landing else {
      let view = PathView(sample: sample, senses: senses, landedAt: pool.changedAt)
      lookOnceMore(view)
      giveUpEarly(view)
      return decision
    }
    let view = PathView(sample: sample, senses: senses, landedAt: landing.at)
    if leavesIdleOnes(view) { return decision }
    switch phase {
    case .growing: grow(view)
    case .settling: settle(view)
    case .holding(let hold): keep(hold, view)
    case .trying(let trial): judge(trial, view)
    }
    return decision
  }

  private var decision: PoolDecision {
    let isTesting: Bool
    if case .holding = phase { isTesting = false } else { isTesting = true }
    let segment = isTesting ? Self.testSegment : Self.holdSegment
    let trip = senses.queue.roundTripNow
    let leaving = HarmRule.leaving
    return PoolDecision(
      poolSize: pool.size, segmentSeconds: max(segment.seconds, segment.trips * trip),
      leavingSeconds: bounds.harmWasSeen ? leaving.seconds + leaving.trips * trip : nil,
      reason: reason.description, limit: limit)
  }

  /// How long a request lasts while sizes are tested, so that workers can be retired soon, and later.
  private static let testSegment = (seconds: 1.5, trips: 15.0)
  private static let holdSegment = (seconds: 4.0, trips: 25.0)

  /// Round trips, and seconds, left at which a size stays: nothing that is changed now gets going.
  private static let tailTrips = 8.0
  private static let tailSeconds = 0.3

  private func isTail(_ sample: Sample) -> Bool {
    guard let rate = senses.rates.rate(since: sample.now - 1), rate > 0 else { return false }
    let left = Double(sample.bytesLeft) / rate
    return left < Self.tailTrips * senses.queue.roundTrip + Self.tailSeconds
  }

  // MARK: What rules do

  /// Goes on to a phase, which the present one must allow.
  mutating func enter(_ next: Phase, because why: Reason) {
    assert(phase.allows(next), "\(phase) -> \(next)")
    phase = next
    reason = why
  }

  /// Sets the pool's size.
  mutating func set(_ size: Int, now: Moment, because why: Reason) {
    reason = why
    guard size != pool.size else { return }
    pool.set(bounds.clamped(size), now: now)
  }

  /// Begins to hold a size, whose rate is the one to compare with.
  mutating func hold(_ level: Level, _ now: Moment, because why: Reason) {
    enter(.holding(Hold(rate: level.rate, since: now)), because: why)
    set(level.poolSize, now: now, because: why)
  }

  /// Climbs from here, as on a path that nothing is known of.
  mutating func climbAgain(_ level: Level, _ now: Moment, because why: Reason) {
    known = nil
    proposals.patience = MoreRule.shortPatience
    climb = Climb(levels: [level], freeSingle: level.each, peak: level.rate)
    bounds.forgetFewer()
    enter(.growing, because: why)
    let size = max(level.poolSize + 2, level.poolSize * 2)
    set(min(bounds.ceiling, size), now: now, because: why)
  }
}
