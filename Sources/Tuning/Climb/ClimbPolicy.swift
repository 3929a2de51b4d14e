/// The default policy: opens by round trip, doubles while there is room, then holds and probes.
///
/// What it goes by, in this order: refusals, a queue in front of the line, throughput.
///
/// Phases and their legal transitions:
/// ```
/// growing  -> growing    no queue stands: room for more workers
/// growing  -> settling   a queue stands, this machine is busy, or the pool is as large as it may be
/// settling -> holding    throughput no longer grows; the pool jumps to the knee of what was seen
/// holding  -> probing    it is time to try another size
/// probing  -> holding    the other size was judged: kept, or taken back
/// probing  -> growing    the other size gained in proportion: there is more
/// any      -> holding    the server refused: as many as it was serving
/// ```
/// Little left to fetch freezes the size.
public struct ClimbPolicy: Policy {
  /// A pool size and what it brought.
  struct Level: Sendable {
    var poolSize: Int
    var rate: Double
  }

  /// A pool size that seemed to hurt, until it is known whether fewer workers are faster.
  struct Suspicion: Sendable {
    let best: Level
    /// The ceiling before it.
    let ceiling: Int
  }

  enum Phase: Sendable {
    case growing
    case settling
    case holding
    case probing(from: Level)
  }

  let maximum: Int
  private let prior: Prior?
  /// What this path is known for, from this machine's own pulls.
  var known: KnownPath?
  var phase = Phase.growing
  var poolSize = 1
  var reason = ""
  var limit: PullRecord.Limit?

  var queue = QueueSense(idle: nil)
  var log = RateLog()
  /// When the pool size was last changed.
  var changedAt = Moment.zero
  /// Whether that made the pool smaller.
  var isShrinking = false
  /// When enough workers carried data after that.
  var landedAt: Moment?
  /// What seemed to be full when they did; a later look may find that bytes only came in bursts.
  var fullAtLanding: PullRecord.Limit?
  /// When work ran out or waited, last.
  var limitedAt: Moment?
  /// Share of its time in which the engine was at work lately, 0 to 1.
  var busy = 0.0
  /// Whether bytes come in bursts with nothing in between: the line is idle then.
  var isBursty = false
  /// What each size of this climb brought, in order.
  var levels: [Level] = []
  /// Most that one worker brought while no queue stood, in bytes per second.
  var freeSingle: Double?
  /// Never to be exceeded: the server refused, or it was seen to hurt.
  var ceiling: Int
  /// When the server refused a request last.
  var refusedAt: Moment?
  /// Whether it then refused what it had served before.
  var isContended = false
  /// Seconds after which a refusal is no longer one of a burst.
  static let settlingSeconds = 1.5
  /// Seconds without a refusal after which one more is asked of a server that others want too.
  static let contendingSeconds = 10.0
  /// The rate that the hold began with.
  var reference: Level?
  var heldSince = Moment.zero
  /// Seconds to hold before the next probe upwards; doubled by each that failed.
  var patience = Self.shortPatience
  static let shortPatience = 0.6
  /// Round trips that must be left for a larger pool: a connection takes three until its first byte and more until it
  /// is as fast as those that were there, and it takes its bytes from them.
  static let growingTrips = 18.0
  /// Seconds that are enough for that on any path.
  static let growingSeconds = 3.6
  /// Seconds in which there is the last sample and no other.
  static let momentSeconds = 0.03
  /// Packets under way in each connection below which a pool does not grow, but yields.
  static let smallWindow = 10.0
  /// Packets under way below which TCP cannot repair a loss before a timeout (RFC 5681, three duplicate
  /// acknowledgements): a line with so many connections is worse for everybody.
  static let tinyWindow = 4.0
  /// Workers of everybody there.
  static let crowdSize = 2
  /// Seconds of a round trip from which that is looked at.
  static let crowdedTrip = 0.028
  /// Seconds over which bursts are looked for: two of the whole seconds that servers count by.
  static let burstSeconds = 2.2
  /// Seconds left for which workers too many cost less than workers too few: they fill the gaps between
  /// requests, and nothing is gained by sending them home.
  static let shortSeconds = 4.0
  /// Workers of everybody who shares a full line with others.
  static let sharingSize = 8
  /// No descent below: a smaller pool was slower.
  var floorSize = 1
  /// When that may be tried again, and seconds from one such try to the next.
  var floorUntil: Moment?
  var floorPatience = 8.0
  /// Whether others were seen on the line; then the pool does not go below `sharingSize`.
  var isSharing = false
  /// Whether so many are on the line that everybody must make do with `crowdSize`.
  var isCrowded = false
  /// What this pull's part of that line is, in bytes per second.
  var share: Double?
  var descendAt = Moment.zero
  /// Whether more workers were seen to hurt: then only fewer are tried.
  var isHarmed = false
  var suspicion: Suspicion?
  /// What the last descent came from, until it is judged.
  var descended: Level?
  /// The size before the last descent of this climb.
  var sizeBefore: Int?
  /// Most workers that carried data at a time: the server has served so many.
  var mostCarrying = 0
  /// Highest rate seen lately.
  var peak = 0.0

  /// Makes the policy.
  ///
  /// - Parameters:
  ///   - maximum: largest pool size.
  ///   - prior: what earlier pulls taught; nil: nothing.
  public init(maximum: Int, prior: Prior? = nil) {
    self.maximum = maximum
    self.prior = prior
    known = prior.flatMap { $0.isOwn ? KnownPath($0) : nil }
    ceiling = min(maximum, prior?.ceiling ?? maximum, known?.ceiling ?? maximum)
  }

  /// The name in reports.
  public var name: String { "climb" }

  /// The pool size to open with.
  public mutating func start(_ opening: Opening) -> PoolDecision {
    // The registry may be nearer or farther than the host that serves the blobs: its round trip says
    // how wide to open, but not what an idle connection's is.
    let idle = [opening.roundTripSeconds, prior?.idleRoundTripSeconds].compactMap { $0 }.max()
    queue = QueueSense(
      idle: prior?.isOwn ?? false ? prior?.idleRoundTripSeconds : nil, guess: idle)
    // Small blobs leave every worker waiting for a first byte again and again: more of them hide it.
    let mean = Double(max(1, opening.bytes)) / Double(max(1, opening.blobs))
    let waiting = 10 * min(1, 1_048_576 / mean)
    let wide = whole(min(48, 4 + 200 * (idle ?? 0.05) + waiting).rounded(.down))
    if let known {
      phase = .settling
      isHarmed = known.isHarmed
      // Slow starts need more workers than the line does later, unless more are known to hurt.
      let isHarmless = known.ceiling >= maximum
      if known.isGaining, isHarmless {
        set(
          min(maximum, max(2 * known.poolSize, wide)), now: opening.now,
          "earlier pulls still gained at \(known.poolSize)")
        self.known = nil
        phase = .growing
        return decision
      }
      let isShort = Double(opening.bytes) < 2 * Self.shortSeconds * known.rate
      let some = isShort ? known.poolSize * 3 / 2 : known.poolSize
      set(
        min(ceiling, isHarmless ? max(some, wide) : known.poolSize), now: opening.now,
        "earlier pulls did best with \(known.poolSize)")
      return decision
    }
    let hint = prior.flatMap { KnownPath($0) }.map { min(16, $0.poolSize) } ?? 1
    set(
      min(ceiling, max(hint, wide)), now: opening.now,
      idle.map { "opened by a round trip of \(ms($0))" } ?? "nothing is known of the path")
    return decision
  }

  /// Takes a sample and decides again.
  public mutating func observe(_ sample: Sample) -> PoolDecision {
    queue.observe(sample)
    log.note(sample)
    busy += 0.3 * (sample.readings.engineBusy - busy)
    let start = sample.now + -Self.burstSeconds
    if sample.appLimit == nil,
      let gaps = log.gapShare(since: start, roundTrip: queue.roundTrip)
    {
      isBursty = gaps > (isBursty ? 0.2 : 0.4)
    }
    if sample.appLimit != nil { limitedAt = sample.now }
    if !sample.refusals.isEmpty {
      refuse(sample)
      return decision
    }
    mostCarrying = max(mostCarrying, sample.carrying)
    if let suspicion, isBursty, let rate = log.rate(since: changedAt) {
      acquit(suspicion, rate: rate, sample.now)
    }
    if landedAt == nil, hasLanded(sample) { landedAt = sample.now }
    guard !isTail(sample), let landedAt else { return decision }
    if sample.appLimit != nil { return decision }
    switch phase {
    case .growing: grow(sample, landedAt)
    case .settling: settle(sample, landedAt)
    case .holding: hold(sample, landedAt)
    case .probing(let from): judge(sample, landedAt, from: from)
    }
    return decision
  }

  var decision: PoolDecision {
    let isTesting: Bool
    if case .holding = phase { isTesting = false } else { isTesting = true }
    let trip = queue.roundTripNow
    return PoolDecision(
      poolSize: poolSize, segmentSeconds: isTesting ? max(1.5, 15 * trip) : max(4, 25 * trip),
      reason: reason, limit: limit)
  }

  // MARK: Readings

  /// Seconds that must pass before throughput at a new size says anything.
  ///
  /// Where bytes come in bursts, whole seconds, because that is how servers count.
  var judgingSeconds: Double { isBursty ? 2 : max(0.2, 4 * queue.roundTrip) }

  /// Whether the pool is what it was set to: enough workers carry data, none is left to retire.
  private func hasLanded(_ sample: Sample) -> Bool {
    let patience = isShrinking ? 8.0 : 0.5 + 10 * queue.roundTrip
    if sample.now - changedAt > patience { return true }
    return Double(sample.carrying) >= 0.7 * Double(poolSize) && sample.open <= poolSize
  }

  private func isTail(_ sample: Sample) -> Bool {
    guard let rate = log.rate(since: sample.now + -1), rate > 0 else { return false }
    return Double(sample.bytesLeft) / rate < 8 * queue.roundTrip + 0.3
  }

  /// Whether more workers cannot help: the line has a queue, or this machine is busy.
  func fullness(_ sample: Sample, since start: Moment) -> PullRecord.Limit? {
    if busy > 0.9 {
      return sample.readings.diskBusy > 0.5 ? .disk : .cpu
    }
    return !isBursty && queue.stands(since: start) ?? false ? .line : nil
  }

  mutating func set(_ size: Int, now: Moment, _ why: String) {
    reason = why
    guard size != poolSize else { return }
    isShrinking = size < poolSize
    poolSize = max(1, min(size, maximum))
    changedAt = now
    landedAt = nil
    fullAtLanding = nil
  }

  func ms(_ seconds: Double) -> String {
    seconds < 1e-3 ? "less than 1 ms" : "\(whole(seconds * 1e3)) ms"
  }
}
