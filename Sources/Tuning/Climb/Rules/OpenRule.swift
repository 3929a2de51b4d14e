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
    let hint = prior.flatMap { KnownPath($0) }.map { min(OpenRule.mostByHint, $0.poolSize) } ?? 1
    set(
      min(bounds.ceiling, max(hint, size)), now: opening.now,
      because: idle.map { .openedByRoundTrip(seconds: $0) } ?? .nothingKnown)
  }

  private mutating func openKnown(_ known: KnownPath, _ opening: Opening, wide: Int) {
    // Slow starts need more workers than the line does later, unless more are known to hurt.
    let isHarmless = known.ceiling >= bounds.maximum
    if known.isGaining, isHarmless {
      set(
        min(bounds.maximum, OpenRule.further(than: known.poolSize, wide: wide)), now: opening.now,
        because: .stillGained(at: known.poolSize))
      self.known = nil
      return
    }
    phase = .settling
    let isShort = Double(opening.bytes) < 2 * SettleRule.shortSeconds * known.rate
    let some = isShort ? max(known.poolSize * 3 / 2, slowStart(known, wide)) : known.poolSize
    set(
      min(bounds.ceiling, isHarmless ? min(some, max(known.poolSize, known.safe)) : known.poolSize),
      now: opening.now,
      because: .didBest(known.poolSize))
  }

  /// As many as a short pull opens with while slow starts need more than the line does later.
  private func slowStart(_ known: KnownPath, _ wide: Int) -> Int {
    min(wide, max(OpenRule.fewestShort, OpenRule.shortFactor * known.poolSize))
  }
}
