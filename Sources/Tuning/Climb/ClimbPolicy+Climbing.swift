/// Growing, settling and probing: finding a size.
extension ClimbPolicy {
  // MARK: Growing

  mutating func grow(_ sample: Sample, _ landedAt: Moment) {
    let since = sample.now - landedAt
    let span = max(0.05, queue.roundTrip)
    guard since >= span else { return }
    if let full = fullness(sample, since: landedAt) ?? fullAtLanding, !isBursty {
      // Long enough to see whether bytes come in bursts: then what looks like a queue is none.
      fullAtLanding = full
      guard since >= 0.45 else { return }
      // And whether it lasts: the first packets of so many connections come together and wait for each other.
      let lately = sample.now + -max(0.15, 3 * queue.roundTrip)
      if let still = fullness(sample, since: max(landedAt, lately)) {
        limit = still
        settle("\(poolSize) workers fill it (\(still.rawValue))")
        return
      }
      fullAtLanding = nil
    }
    if isBursty, poolSize < ceiling {
      growThroughGaps(sample, since: since)
      return
    }
    guard let rate = log.rate(since: sample.now + -span), rate > 0,
      let earlier = log.rate(from: sample.now + -2 * span, to: sample.now + -span)
    else { return }
    // While slow start goes on, throughput says nothing yet.
    if rate > 1.2 * earlier, since < 8 * queue.roundTrip + 0.2 { return }
    if packetsEach(rate) ?? .infinity < Self.smallWindow {
      settle("\(poolSize) workers have a few packets each: others are on the line")
      return
    }
    var factor = 2.0
    if let before = levels.last {
      let growth = Double(poolSize) / Double(before.poolSize) - 1
      let elasticity = (rate / before.rate - 1) / growth
      if elasticity < 0.4 {
        guard since >= judgingSeconds else { return }
        settle("\(before.poolSize) -> \(poolSize) brought little more")
        return
      }
      factor = elasticity < 0.75 ? 1.5 : 3
    }
    let needed = min(Self.growingTrips * queue.roundTrip, Self.growingSeconds)
    let left = Double(sample.bytesLeft) / rate
    // A queue that has just begun to build up is none on average yet: the next samples tell. Where little is left, what
    // is wrongly added now is not made up for.
    if poolSize < ceiling, left > needed, left < 2 * needed,
      queue.stands(since: sample.now + -Self.momentSeconds) ?? false
    {
      return
    }
    levels.append(Level(poolSize: poolSize, rate: rate))
    freeSingle = max(freeSingle ?? 0, rate / Double(poolSize))
    guard poolSize < ceiling else {
      settle("as many as may be")
      return
    }
    guard left > needed else {
      settle("too little is left for more connections to get going")
      return
    }
    let size = min(Double(ceiling), (Double(poolSize) * factor).rounded(.up))
    set(whole(size), now: sample.now, "no queue stands: room for more")
  }

  /// Where the line is idle between bursts there is room, whatever throughput says from one moment to
  /// the next.
  private mutating func growThroughGaps(_ sample: Sample, since: Double) {
    levels = []
    freeSingle = nil
    guard since >= max(0.5, 2 * queue.roundTrip) else { return }
    set(
      min(ceiling, poolSize * 2), now: sample.now,
      "bytes come in bursts and the line is idle between them: room for more")
  }

  private mutating func settle(_ why: String) {
    phase = .settling
    reason = why
  }

  // MARK: Settling

  mutating func settle(_ sample: Sample, _ landedAt: Moment) {
    let since = sample.now - landedAt
    if isBursty, poolSize < ceiling {
      phase = .growing
      return
    }
    let window = judgingSeconds
    guard since >= 2 * window else { return }
    let middle = sample.now + -window
    guard let late = log.rate(since: middle),
      let early = log.rate(from: middle + -window, to: middle), late > 0
    else { return }
    // Slow start misleads whoever looks too early.
    if late > 1.1 * early, since < 3 + 20 * queue.roundTrip { return }
    let full = fullness(sample, since: middle)
    limit = full ?? .perConnection
    levels.append(Level(poolSize: poolSize, rate: late))
    peak = late
    if let best = levels.dropLast().max(by: { $0.rate < $1.rate }), late < 0.8 * best.rate,
      full == nil, !isBursty, queue.peak(since: landedAt) < queue.threshold
    {
      harm(best, rate: late, sample)
      return
    }
    if let known {
      settleKnown(known, late, full, sample)
      return
    }
    guard !isBursty else {
      hold(poolSize, rate: late, sample.now, "settled; what came in bursts tells no knee")
      return
    }
    let knee = self.knee(late)
    // Without a queue that stands all the time, the line may need all of them.
    let isSteady = full != .line || queue.floor(since: middle) ?? 0 > queue.threshold
    let isShort = Double(sample.bytesLeft) < Self.shortSeconds * late
    if knee < poolSize * 8 / 10, isSteady, !isShort {
      hold(knee, rate: late, sample.now, "the gain ends at about \(knee) workers")
    } else {
      hold(poolSize, rate: late, sample.now, "settled")
    }
  }

  /// About as many workers as bring a rate, each at the best that one had.
  private func knee(_ rate: Double) -> Int {
    let single = levels.map { $0.rate / Double($0.poolSize) }.max() ?? rate
    return max(1, min(ceiling, whole((1.2 * rate / single).rounded(.up))))
  }

  /// A path that is known needs no search, unless it has become another.
  private mutating func settleKnown(
    _ known: KnownPath, _ rate: Double, _ full: PullRecord.Limit?, _ sample: Sample
  ) {
    guard rate > 0.8 * known.rate || full != nil else {
      climbAgain(Level(poolSize: poolSize, rate: rate), sample.now, "slower than it was known")
      return
    }
    patience = 6
    floorSize = min(poolSize, known.poolSize)
    hold(poolSize, rate: rate, sample.now, "as it was known")
  }

  /// More workers were slower and no queue stands: back, and if that helps, never so many again.
  private mutating func harm(_ best: Level, rate: Double, _ sample: Sample) {
    suspicion = Suspicion(best: best, ceiling: ceiling)
    limit = .overload
    ceiling = max(1, min(ceiling, poolSize - 1))
    isHarmed = true
    let loss = whole(100 * (1 - rate / best.rate))
    hold(best.poolSize, rate: best.rate, sample.now, "\(poolSize) workers were \(loss) % slower")
    descendAt = sample.now
  }

  // MARK: Probing

  mutating func judge(_ sample: Sample, _ landedAt: Moment, from: Level) {
    guard sample.now - landedAt >= 1.5 * judgingSeconds,
      let rate = log.rate(since: landedAt + 0.7 * judgingSeconds)
    else { return }
    if let full = fullness(sample, since: landedAt) {
      limit = full
      hold(
        poolSize, rate: rate, sample.now,
        "\(from.poolSize) -> \(poolSize) fills it (\(full.rawValue))")
      return
    }
    let gain = rate / from.rate - 1
    let growth = Double(poolSize) / Double(from.poolSize) - 1
    let percent = whole(100 * gain)
    if gain >= max(0.03, 0.4 * growth) {
      patience = Self.shortPatience
      levels = [from]
      phase = .growing
      reason = "\(from.poolSize) -> \(poolSize) gave +\(percent) %: growing"
    } else if gain < -0.1 {
      ceiling = max(1, poolSize - 1)
      hold(from.poolSize, rate: from.rate, sample.now, "\(poolSize) workers hurt: \(percent) %")
    } else {
      patience = min(24, 2 * max(1, patience))
      hold(
        from.poolSize, rate: from.rate, sample.now, "\(poolSize) gave \(percent) %: not worth it")
    }
  }

  // MARK: Refusals

  mutating func refuse(_ sample: Sample) {
    let served = sample.refusals.map(\.served).filter { $0 > 0 }.min() ?? max(1, poolSize / 2)
    let rate = log.rate(since: changedAt) ?? 0
    let last = refusedAt
    refusedAt = sample.now
    limit = .refusals
    if let last, sample.now - max(last, changedAt) > Self.settlingSeconds + 4 * queue.roundTrip {
      // It served as many before: somebody else has the rest now.
      isContended = true
      ceiling = max(1, poolSize / 2)
      hold(
        ceiling, rate: rate, sample.now,
        "the server refuses what it served before: others need it too")
      return
    }
    // Responses on their way are served no longer, so a little fewer than carried data at once may be what is
    // served at once; much fewer are a server that is closed for a moment, which says nothing about its limit.
    let carried = poolSize > mostCarrying ? mostCarrying : mostCarrying * 3 / 4
    ceiling = max(1, min(ceiling, isContended ? poolSize : max(served, carried)))
    hold(min(poolSize, ceiling), rate: rate, sample.now, "the server refused beyond \(served)")
  }

  /// Where others compete for what a server will serve, everybody takes a little more from time to time
  /// and gives half of it back when refused: shares become equal (Chiu and Jain, 1989).
  mutating func askForMore(_ now: Moment) {
    guard isContended, let last = refusedAt, now - last > Self.contendingSeconds,
      poolSize < maximum
    else { return }
    refusedAt = now
    ceiling = poolSize + 1
    set(ceiling, now: now, "nothing was refused for a while: one more")
  }
}
