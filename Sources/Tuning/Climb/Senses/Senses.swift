/// What a pull's samples say together: the readings that rules and the witness look through.
struct Senses: Sendable {
  /// Round trips: whether a queue stands in front of the line.
  var queue = QueueSense(idle: nil)
  /// Useful bytes over time.
  private(set) var rates = RateLog()
  /// Whether bytes come in bursts with nothing in between.
  private(set) var bursts = Bursts()
  /// How much throughput varies by itself.
  private(set) var steadiness = Steadiness()
  /// Share of its time in which the engine was at work lately, 0 to 1.
  private var busy = 0.0
  /// Share of the time in which the user's own limit held transfers back lately, 0 to 1.
  private(set) var held = 0.0
  /// When work ran out or waited, last.
  private(set) var limitedAt: Moment?
  /// Most workers that carried data at a time: the server has served so many.
  private(set) var mostCarrying = 0

  /// What a new reading of the engine's load counts in the running mean.
  private static let loadWeight = 0.3
  /// An engine busier than this has no time left.
  private static let fullLoad = 0.9
  /// Above this share of the time, the rate is what the user allows.
  private static let heldShare = 0.5
  /// Above this share of the time, the load is the disk's.
  private static let diskShare = 0.5

  mutating func observe(_ sample: Sample) {
    queue.observe(sample)
    rates.note(sample)
    busy += Self.loadWeight * (sample.readings.engineBusy - busy)
    held += Self.loadWeight * ((sample.readings.held ?? 0) - held)
    if sample.appLimit == nil, !isHeld {
      bursts.observe(rates, now: sample.now, roundTrip: queue.roundTrip)
      rates.period = bursts.period
      steadiness.observe(sample, window: shortestLook)
    } else if sample.appLimit != nil {
      limitedAt = sample.now
    }
    if sample.refusals.isEmpty { mostCarrying = max(mostCarrying, sample.carrying) }
  }

  /// Whether this machine has no time left for the engine's work.
  var isMachineFull: Bool { busy > Self.fullLoad }

  /// Whether the user's own limit is what bounds the rate, and not the path.
  private var isHeld: Bool { held > Self.heldShare }

  /// What on this machine or on the line is full, so that more workers cannot help; nil: nothing is.
  func fullness(_ sample: Sample, since start: Moment) -> PullRecord.Limit? {
    if isHeld { return .limitRate }
    if isMachineFull {
      return sample.readings.diskBusy > Self.diskShare ? .disk : .cpu
    }
    return !bursts.areSeen && queue.stands(since: start) ?? false ? .line : nil
  }

  /// Seconds that must pass before throughput at a new size says anything.
  ///
  /// Where bytes come in bursts, the time until the next one; where throughput varies by itself, as long as
  /// chance needs to even out.
  var judgingSeconds: Double {
    if let period = bursts.period { return max(shortestLook, period) }
    return max(shortestLook, min(Self.longestLook, shortestLook * steadiness.windowsNeeded))
  }

  /// Seconds of the shortest look at a rate.
  private var shortestLook: Double { max(0.2, 4 * queue.roundTrip) }
  /// What looks longer misses how the path changes.
  private static let longestLook = 2.0
}
