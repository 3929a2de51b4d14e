/// Puts together what a pull's samples say about what limits it.
///
/// It looks through the same senses as the policy, but believes nothing: it only counts how long
/// what was seen.
struct Witness: Sendable {
  private var evidence = PullEvidence()
  private var senses = Senses()
  private var last: Sample?
  private var firstByteAt: Moment?
  /// When connections were last added: what comes just after that is slow start.
  private var grownAt = Moment.zero
  private var levels: [Int: PullEvidence.Level] = [:]
  private var times = PullEvidence.Shares()
  private var queueSum = 0.0
  private var firstBytes: [Double] = []
  private var connectionSeconds = 0.0
  private var carryingSeconds = 0.0
  private var disorder: Double?
  private var served: Int?
  /// Rates of requests that ended, by the pool size at that time.
  private var ended: [Int: Moments] = [:]

  /// Times to first bytes that are kept.
  private static let mostFirstBytes = 4_000
  /// Seconds, and round trips, after which added connections are as fast as the others.
  private static let settling = (seconds: 0.2, trips: 6.0)
  /// Seconds over which a queue is looked for.
  private static let look = 0.4

  /// - Parameters:
  ///   - limits: what the pull may not exceed.
  ///   - prior: what earlier pulls over the path measured.
  init(limits: PullLimits, prior: Prior?) {
    evidence.limits = limits
    let known = prior.flatMap { $0.isOwn ? $0.points.filter { !$0.isBound } : nil } ?? []
    evidence.earlier = known.filter { $0.weight >= Prior.Point.enough }.map {
      .init(
        connections: Double($0.poolSize), seconds: $0.weight, bytes: $0.rate * $0.weight)
    }
  }

  mutating func observe(_ sample: Sample) {
    senses.observe(sample)
    defer { last = sample }
    if firstByteAt == nil, sample.carrying > 0 { firstByteAt = last?.now ?? sample.now }
    for refusal in sample.refusals {
      evidence.refusals += 1
      served = min(served ?? .max, refusal.served)
    }
    if let least = sample.refusals.map(\.served).filter({ $0 > 0 }).min() {
      evidence.servedAtRefusal = min(evidence.servedAtRefusal ?? .max, least)
    }
    if firstBytes.count < Self.mostFirstBytes { firstBytes += sample.firstByteSeconds }
    for rate in sample.endedRates ?? [] where rate > 0 {
      ended[sample.poolSize, default: .init()].add(log(rate))
    }
    guard let last, let firstByteAt, sample.now > last.now,
      sample.now - last.now <= Sample.pause
    else { return }
    if sample.poolSize > last.poolSize { grownAt = sample.now }
    let seconds = sample.now - last.now
    count(sample, seconds, since: max(firstByteAt, sample.now - Self.look))
    measure(sample, after: last, seconds)
  }

  /// Adds to the times of what was seen.
  private mutating func count(_ sample: Sample, _ seconds: Double, since start: Moment) {
    evidence.flowing += seconds
    connectionSeconds += seconds * Double(sample.open)
    carryingSeconds += seconds * Double(sample.carrying)
    if let count = sample.readings.disordered { disorder = (disorder ?? 0) + Double(count) }
    if sample.appLimit == .nothingLeft { times.idle += seconds }
    if sample.appLimit == .backingOff { times.waiting += seconds }
    if senses.isMachineFull {
      let (busy, disk) = (sample.readings.engineBusy, sample.readings.diskBusy)
      let writing = busy > 0 ? min(1, max(0, disk / busy)) : 0
      times.disk += seconds * writing
      times.cpu += seconds * (1 - writing)
    }
    if senses.bursts.areSeen { times.bursts += seconds }
    if !senses.bursts.areSeen, senses.queue.stands(since: start) ?? false {
      times.queue += seconds
      queueSum += seconds * (senses.queue.mean(since: start) ?? 0)
    }
    if sample.poolSize >= evidence.limits.workers { times.atMost += seconds }
    if let served, sample.poolSize + 1 >= served { times.atServed += seconds }
  }

  /// Adds to the rates.
  private mutating func measure(_ sample: Sample, after last: Sample, _ seconds: Double) {
    let wait = Self.settling.seconds + Self.settling.trips * senses.queue.roundTrip
    let isSettled = sample.now - grownAt > wait && sample.now - (firstByteAt ?? .zero) > wait
    guard isSettled, sample.carrying > 0 else { return }
    let bytes = Double(sample.bytesDone - last.bytesDone)
    let carrying = (sample.carrying + last.carrying + 1) / 2
    var level = levels[carrying] ?? .init(connections: Double(carrying), seconds: 0, bytes: 0)
    level.seconds += seconds
    level.bytes += max(0, bytes)
    levels[carrying] = level
  }

  /// What was seen so far.
  ///
  /// - Parameter now: when the downloads ended.
  func evidence(at now: Moment) -> PullEvidence {
    var result = evidence
    result.seconds = now.seconds
    result.bytes = last?.bytesDone ?? 0
    let flowing = max(evidence.flowing, 1e-9)
    result.shares.queue = times.queue / flowing
    result.shares.cpu = times.cpu / flowing
    result.shares.disk = times.disk / flowing
    result.shares.idle = times.idle / flowing
    result.shares.waiting = times.waiting / flowing
    result.shares.bursts = times.bursts / flowing
    result.shares.atMost = times.atMost / flowing
    result.shares.atServed = times.atServed / flowing
    result.levels = joined()
    result.roundTrip = senses.queue.idle
    if times.queue > 0 { result.queueSeconds = queueSum / times.queue }
    let sorted = firstBytes.sorted()
    if !sorted.isEmpty { result.firstByteSeconds = sorted[sorted.count / 2] }
    if connectionSeconds > 0 { result.shares.asking = 1 - carryingSeconds / connectionSeconds }
    if let disorder, carryingSeconds > 0 { result.disorder = disorder / carryingSeconds }
    result.spread = Self.deviation(ended.values)
    return result
  }

  /// Levels, with neighbours put together: fewer than a quarter apart.
  private func joined() -> [PullEvidence.Level] {
    var result: [PullEvidence.Level] = []
    for level in levels.values.sorted(by: { $0.connections < $1.connections }) {
      guard let last = result.last, level.connections < 1.25 * last.connections else {
        result.append(level)
        continue
      }
      let seconds = last.seconds + level.seconds
      let sum = last.connections * last.seconds + level.connections * level.seconds
      result[result.count - 1] = .init(
        connections: sum / seconds, seconds: seconds, bytes: last.bytes + level.bytes)
    }
    return result
  }

  /// Standard deviation within groups; nil: too few values.
  private static func deviation(_ groups: some Collection<Moments>) -> Double? {
    let telling = groups.filter { $0.count > 1 }
    let freedom = telling.reduce(0) { $0 + $1.count - 1 }
    guard freedom >= 3 else { return nil }
    return (telling.reduce(0) { $0 + $1.squares } / freedom).squareRoot()
  }

  /// Mean and squares of values that come one by one.
  private struct Moments {
    var count = 0.0
    var mean = 0.0
    var squares = 0.0

    mutating func add(_ value: Double) {
      count += 1
      let step = value - mean
      mean += step / count
      squares += step * (value - mean)
    }
  }
}
