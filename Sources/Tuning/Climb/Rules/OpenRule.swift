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
  static let most = 48.0
  /// Never wider than this by what others have seen.
  static let mostByHint = 16
}

extension ClimbPolicy {
  mutating func open(_ opening: Opening) {
    // The registry may be nearer or farther than the host that serves the blobs: its round trip says
    // how wide to open, but not what an idle connection's is.
    let idle = [opening.roundTripSeconds, prior?.idleRoundTripSeconds].compactMap { $0 }.max()
    let isOwn = prior?.isOwn ?? false
    senses.queue = QueueSense(idle: isOwn ? prior?.idleRoundTripSeconds : nil, guess: idle)
    let mean = Double(max(1, opening.bytes)) / Double(max(1, opening.blobs))
    let trip = idle ?? OpenRule.unknownTrip
    let waiting = OpenRule.waiting * min(1, OpenRule.smallBlob / mean)
    let wide = OpenRule.base + OpenRule.perSecond * trip + waiting
    let size = whole(min(OpenRule.most, wide).rounded(.down))
    if let known {
      openKnown(known, opening, wide: size)
      return
    }
    let hint = prior.flatMap { KnownPath($0) }.map { min(OpenRule.mostByHint, $0.poolSize) } ?? 1
    set(
      min(bounds.ceiling, max(hint, size)), now: opening.now,
      because: idle.map { .openedByRoundTrip(seconds: $0) } ?? .nothingKnown)
  }

  private mutating func openKnown(_ known: KnownPath, _ opening: Opening, wide: Int) {
    bounds.isHarmed = known.isHarmed
    // Slow starts need more workers than the line does later, unless more are known to hurt.
    let isHarmless = known.ceiling >= bounds.maximum
    if known.isGaining, isHarmless {
      set(
        min(bounds.maximum, max(2 * known.poolSize, wide)), now: opening.now,
        because: .stillGained(at: known.poolSize))
      self.known = nil
      return
    }
    phase = .settling
    let isShort = Double(opening.bytes) < 2 * SettleRule.shortSeconds * known.rate
    let some = isShort ? known.poolSize * 3 / 2 : known.poolSize
    set(
      min(bounds.ceiling, isHarmless ? max(some, wide) : known.poolSize), now: opening.now,
      because: .didBest(known.poolSize))
  }
}
