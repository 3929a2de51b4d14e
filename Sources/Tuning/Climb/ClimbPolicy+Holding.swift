/// Holding: keeping a size, going down politely, and noticing that the path has changed.
extension ClimbPolicy {
  /// Begins to hold a size, whose rate is the one to compare with.
  mutating func hold(_ size: Int, rate: Double, _ now: Moment, _ why: String) {
    phase = .holding
    reference = Level(poolSize: size, rate: rate)
    heldSince = now
    descendAt = now + 1
    descended = nil
    set(size, now: now, why)
  }

  /// Looks whether the size is still right.
  mutating func hold(_ sample: Sample, _ landedAt: Moment) {
    let start = max(landedAt, max(heldSince, limitedAt ?? .zero))
    let window = max(0.5, judgingSeconds)
    guard sample.now - start >= window else { return }
    let since = max(start, sample.now + -max(isBursty ? 2 : 1, 6 * queue.roundTrip))
    guard let rate = log.rate(since: since), let known = reference else { return }
    peak = max(rate, peak * 0.998)
    askForMore(sample.now)
    if let suspicion {
      self.suspicion = nil
      if rate < 0.8 * suspicion.best.rate {
        acquit(suspicion, rate: rate, sample.now)
        return
      }
    }
    if isBursty, poolSize < ceiling, !isHarmed {
      phase = .growing
      return
    }
    let packets = packetsEach(rate) ?? .infinity
    if packets < Self.tinyWindow { isCrowded = true }
    if packets < Self.smallWindow, poolSize > fewestInCrowd, sample.now >= descendAt {
      yield(sample, rate: rate)
      return
    }
    if isSharing { watchShare(rate, sample.now) }
    if judgeDescent(sample, rate: rate, since: since) { return }
    if isHarmed {
      descend(sample, rate: rate, since: since)
      return
    }
    if let full = fullness(sample, since: since) {
      limit = full
      if full == .line, standGround(sample, rate: rate) { return }
      descend(sample, rate: rate, since: since)
      return
    }
    // Whoever came first to a line that is shared must not run away from those who come later.
    guard packets >= Self.smallWindow || poolSize < Self.sharingSize else { return }
    seekRoom(sample, rate: rate, known: known)
  }

  /// Fewer workers were no faster, so more were not to blame: something else had changed.
  mutating func acquit(_ suspicion: Suspicion, rate: Double, _ now: Moment) {
    self.suspicion = nil
    ceiling = suspicion.ceiling
    isHarmed = false
    limit = nil
    climbAgain(
      Level(poolSize: poolSize, rate: rate), now, "fewer workers are no faster: they did no harm")
  }

  /// Judges the last descent, once; true where it was taken back.
  private mutating func judgeDescent(_ sample: Sample, rate: Double, since: Moment) -> Bool {
    guard let before = descended else { return false }
    descended = nil
    guard isTooFew(before, rate: rate, since: since) else {
      if isHarmed, rate > 1.03 * before.rate { descendAt = sample.now }
      return false
    }
    // Where more hurt, the best lies somewhere between the two.
    floorSize = isHarmed ? min(before.poolSize, poolSize + 1) : before.poolSize
    floorUntil = isHarmed ? nil : sample.now + floorPatience
    floorPatience *= 2
    let loss = whole(100 * (1 - rate / before.rate))
    hold(
      before.poolSize, rate: before.rate, sample.now,
      "\(poolSize) workers are too few: -\(loss) %")
    return true
  }

  /// No queue stands, and this machine is not busy: there may be room for more workers.
  private mutating func seekRoom(_ sample: Sample, rate: Double, known: Level) {
    if rate > 1.25 * known.rate || rate < 0.8 * known.rate, sample.now - heldSince > 1 {
      climbAgain(Level(poolSize: poolSize, rate: rate), sample.now, "the path changed")
      return
    }
    if let before = sizeBefore, before > poolSize {
      sizeBefore = nil
      floorSize = before
      patience = 12
      hold(before, rate: rate, sample.now, "\(poolSize) workers leave the line idle at times")
      return
    }
    guard sample.now - heldSince >= patience, poolSize < ceiling, !isHarmed else { return }
    phase = .probing(from: Level(poolSize: poolSize, rate: rate))
    let more = patience > 1 ? max(2, poolSize / 2) : poolSize
    set(min(ceiling, poolSize + more), now: sample.now, "no queue stands: trying more")
  }

  /// Climbs from here, as on a path that nothing is known of.
  mutating func climbAgain(_ level: Level, _ now: Moment, _ why: String) {
    known = nil
    isCrowded = false
    sizeBefore = nil
    patience = Self.shortPatience
    phase = .growing
    levels = [level]
    freeSingle = level.rate / Double(level.poolSize)
    peak = level.rate
    floorSize = 1
    set(min(ceiling, max(level.poolSize + 2, level.poolSize * 2)), now: now, why)
  }

  /// The line is full and yet slower than it was: others have come.
  ///
  /// Politeness ends at a size that is the same for everybody, so that those who share a line get equal parts of it.
  private mutating func standGround(_ sample: Sample, rate: Double) -> Bool {
    let size = min(ceiling, fewestInCrowd)
    guard poolSize < size, rate < 0.8 * peak else { return false }
    hold(size, rate: rate, sample.now, "others share the line: \(size) workers, as they have")
    floorSize = size
    isSharing = true
    share = nil
    peak = rate
    return true
  }

  /// Whoever gets much more than its part has the line to itself again.
  private mutating func watchShare(_ rate: Double, _ now: Moment) {
    guard let share, now - heldSince > 3 + 20 * queue.roundTrip else {
      share = max(share ?? 0, rate)
      return
    }
    if rate > 1.5 * share {
      isSharing = false
      floorSize = 1
      peak = rate
      return
    }
    self.share = share + 0.005 * (rate - share)
  }

  /// Packets that each connection has under way; nil where the round trip is too short to tell a crowd
  /// from a server that gives each connection little.
  func packetsEach(_ rate: Double) -> Double? {
    let trip = queue.roundTripNow
    guard trip >= Self.crowdedTrip else { return nil }
    return rate / Double(poolSize) * trip / 1_448
  }

  /// Workers of everybody in a crowd.
  private var fewestInCrowd: Int { isCrowded ? Self.crowdSize : Self.sharingSize }

  /// So many connections that each has but a few packets under way only take from one another.
  private mutating func yield(_ sample: Sample, rate: Double) {
    let size = max(fewestInCrowd, poolSize * 8 / 10)
    sizeBefore = nil
    descended = nil
    reference = Level(poolSize: size, rate: rate)
    heldSince = sample.now
    patience = 24
    descendAt = sample.now + max(1, 8 * queue.roundTrip)
    limit = .line
    set(size, now: sample.now, "a few packets each: others are on the line")
  }

  /// Whether a descent went too far: throughput is gone, and no queue says that the line is still full.
  private func isTooFew(_ before: Level, rate: Double, since: Moment) -> Bool {
    if let least = queue.floor(since: since), least > queue.threshold { return false }
    return rate < 0.975 * before.rate
  }

  /// A line that stays full needs no more workers than keep it full; nor does one that they harm.
  private mutating func descend(_ sample: Sample, rate: Double, since: Moment) {
    if let floorUntil, sample.now > floorUntil, !isSharing {
      self.floorUntil = nil
      floorSize = 1
    }
    guard sample.now >= descendAt, poolSize > max(2, floorSize) else { return }
    let least = queue.floor(since: since) ?? 0
    let stands = least > queue.threshold
    // While a queue stands the line is full whoever sends: a rate that falls then goes to others.
    let yields = stands && poolSize > Self.sharingSize
    guard rate >= 0.93 * peak || isHarmed || yields else { return }
    let trip = queue.roundTrip
    let left = Double(sample.bytesLeft) / max(rate, 1)
    guard left > 6 + 20 * trip else { return }
    // In a long pull a line that is idle for a moment costs little beside the workers spared.
    let isLong = left > 20 && !(freeSingle.map { Double(poolSize) * $0 < 1.3 * rate } ?? false)
    var size = Double(poolSize) * (isHarmed || isLong ? 0.8 : 0.9)
    if stands {
      // What is in flight beyond the idle line's share only queues; a connection that something else
      // holds back does not take over what another leaves, so these are bounded by the knee.
      let needed =
        Double(poolSize) * max(0.4, min(isLong ? 0.75 : 0.9, 1.15 * trip / (trip + least)))
      size = max(needed, min(size, freeSingle.map { 1.05 * rate / $0 } ?? 0))
    } else if left < 8, !isHarmed {
      return
    }
    let target = max(2, floorSize, min(poolSize - 1, whole(size)))
    sizeBefore = poolSize
    descended = Level(poolSize: poolSize, rate: rate)
    reference = descended
    heldSince = sample.now
    descendAt = sample.now + max(1, 8 * trip)
    set(
      target, now: sample.now,
      isHarmed ? "fewer may be faster" : "the line stays full: fewer will do")
  }
}
