/// One connection's cap: when its next packet may go, and how many its sender may have on the way for that.
///
/// With too few packets on their way the sender stalls; with too many they wait here and look like
/// a full line. How many are right depends on what this machine adds to a round trip, which
/// changes; so each round trip is looked at.
struct Shaper {
  /// When the next packet may go, in nanoseconds.
  private(set) var free: Int64 = 0
  /// Packets beyond those that the model's round trip needs.
  private(set) var slack = 1

  private var lookedAt: Int64 = 0
  /// Nanoseconds in which nothing was here to go, since the last look.
  private var idle: Int64 = 0
  /// The shortest wait of a packet since the last look, in nanoseconds.
  private var leastWait = Int64.max

  /// A full packet, and what of it is TCP's payload, with time stamps.
  static let packetBytes = 1500.0
  static let payloadBytes = 1448.0
  private static let mostSlack = 12

  /// Takes a packet in.
  ///
  /// - Parameters:
  ///   - duration: nanoseconds that it takes at the cap.
  ///   - now: when it came.
  ///   - roundTrip: the path's, in nanoseconds.
  /// - Returns: when it may go.
  mutating func take(_ duration: Int64, at now: Int64, roundTrip: Int64) -> Int64 {
    let ready = max(now, free)
    idle += max(0, now - max(free, lookedAt))
    leastWait = min(leastWait, ready - now)
    free = ready + duration
    if now - lookedAt >= roundTrip {
      if leastWait > duration {
        slack = max(0, slack - 1)
      } else if idle * 100 > now - lookedAt {
        slack = min(Self.mostSlack, slack + 1)
      }
      (lookedAt, idle, leastWait) = (now, 0, .max)
    }
    return ready
  }
}
