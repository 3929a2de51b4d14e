/// Open: as wide as the round trip says, or as earlier pulls did.
///
/// Slow start costs round trips, and too many connections cost little in a short pull.
enum OpenRule {
  /// Workers on a path without delay, and more for each second of its round trip.
  static let base = 4.0
  static let perSecond = 200.0
  /// A round trip in seconds where none is known.
  static let unknownTrip = 0.05
  /// Small blobs leave every worker waiting for a first byte again and again: so many more hide it.
  static let waiting = 10.0
  /// Bytes of a blob that is not small.
  static let smallBlob = 1_048_576.0
  /// Never wider than this unseen.
  static let most = 36.0
  /// Bytes that there must be for each worker.
  static let feed = 32_768.0
  /// A short pull on a known path opens as wide as an unknown one, but for these bounds.
  static let fewestShort = 6
  static let shortFactor = 3
  /// Never wider than this by what others have seen.
  static let mostByHint = 16

  /// Workers that hide a round trip, where every blob is large.
  static func wide(_ roundTrip: Double) -> Double { base + perSecond * roundTrip }

  /// Workers to open with where the most that were measured still gained.
  static func further(than size: Int, wide: Int) -> Int { max(2 * size, wide) }

  /// As many as a short pull opens with while slow starts need more than the line does later.
  static func shortly(_ size: Int, wide: Int) -> Int {
    max(size * 3 / 2, min(wide, max(fewestShort, shortFactor * size)))
  }
}

extension ClimbPolicy {
  mutating func open(_ opening: Opening) {
    // The registry may be nearer or farther than the host that serves the blobs, and a queue may stand
    // before both: its round trip says how wide to open where nothing better is known, but not what an
    // idle connection's is.
    let known = prior?.isOwn ?? false ? prior?.idleRoundTripSeconds : nil
    let idle = known ?? opening.roundTripSeconds ?? prior?.idleRoundTripSeconds
    senses.queue = QueueSense(idle: known, guess: idle)
    let mean = Double(max(1, opening.bytes)) / Double(max(1, opening.blobs))
    let trip = idle ?? OpenRule.unknownTrip
    let waiting = OpenRule.waiting * min(1, OpenRule.smallBlob / mean)
    let wide = OpenRule.wide(trip) + waiting
    let feed = max(OpenRule.base, Double(opening.bytes) / OpenRule.feed)
    let size = whole(min(OpenRule.most, wide, feed).rounded(.down))
    if let path = self.known {
      openKnown(path, opening, wide: size)
      return
    }
    let hint = prior.flatMap { KnownPath($0)?.poolSize }
    let wanted = max(hint.map { min(OpenRule.mostByHint, $0) } ?? 1, size)
    let basis: OpeningReason.Basis =
      if let hint, wanted > size {
        .hint(hint, most: OpenRule.mostByHint)
      } else if feed < min(wide, OpenRule.most) {
        .image
      } else if wide > OpenRule.most {
        .most(size)
      } else {
        idle.map { waiting < 1 ? .roundTrip($0) : .smallBlobs($0) } ?? .unknownTrip
      }
    let opened = min(bounds.ceiling, wanted)
    let reason = OpeningReason(basis, isSeen: prior.map { $0.isOwn || $0.wasSeen } ?? false)
    set(opened, now: opening.now, because: .opened(reason.cut(from: wanted, to: opened, bounds)))
  }

  private mutating func openKnown(_ known: KnownPath, _ opening: Opening, wide: Int) {
    // Slow starts need more workers than the line does later, unless more are known to hurt.
    let isHarmless = known.ceiling >= bounds.maximum
    if known.isGaining, isHarmless {
      let wanted = OpenRule.further(than: known.poolSize, wide: wide)
      let opened = min(bounds.maximum, wanted)
      let reason = OpeningReason(.gaining(known.poolSize))
      set(opened, now: opening.now, because: .opened(reason.cut(from: wanted, to: opened, bounds)))
      self.known = nil
      return
    }
    phase = .settling
    let isShort = Double(opening.bytes) < 2 * SettleRule.shortSeconds * known.rate
    let some = isShort ? OpenRule.shortly(known.poolSize, wide: wide) : known.poolSize
    let wanted = isHarmless ? min(some, max(known.poolSize, known.safe)) : known.poolSize
    let opened = min(bounds.ceiling, wanted)
    var reason = OpeningReason(known.isOnly ? .only(known.poolSize) : .best(known.poolSize))
    reason.isWidened = opened > known.poolSize
    set(opened, now: opening.now, because: .opened(reason.cut(from: wanted, to: opened, bounds)))
  }
}
