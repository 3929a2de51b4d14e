/// Useful bytes over the last seconds, for rates of any stretch of them.
struct RateLog: Sendable {
  private var points: [(at: Moment, bytes: Int64)] = []
  /// Seconds after which a server's bursts come again; nil: none were seen.
  ///
  /// Rates are then those of whole periods: what is shorter, or longer by half, has a burst too many or one
  /// too few.
  var period: Double?

  /// Samples are kept for so many seconds at least, and twice as many at most.
  private static let memory = 12.0

  mutating func note(_ sample: Sample) {
    points.append((sample.now, sample.bytesDone))
    if let first = points.first, sample.now - first.at > 2 * Self.memory {
      points.removeAll { sample.now - $0.at > Self.memory }
    }
  }

  /// Bytes per second since a moment; nil until a sample after it.
  func rate(since start: Moment) -> Double? {
    guard let last = points.last else { return nil }
    return rate(from: start, to: last.at)
  }

  /// Bytes per second between two moments.
  func rate(from start: Moment, to end: Moment) -> Double? {
    guard let last = points.last(where: { $0.at <= end }) else { return nil }
    let start = inPeriods(start, before: last.at)
    guard let first = points.last(where: { $0.at <= start }) ?? points.first, last.at > first.at
    else { return nil }
    return Double(last.bytes - first.bytes) / (last.at - first.at)
  }

  private func inPeriods(_ start: Moment, before end: Moment) -> Moment {
    guard let period else { return start }
    return end + -max(1, ((end - start) / period).rounded()) * period
  }

  /// Share of the samples since a moment that brought next to nothing, 0 to 1; nil: too few to say.
  ///
  /// A server that doles its bytes out by the second leaves the line idle in between. Two kinds of silence
  /// are not its doing: the one before the first bytes, and those of a slow start, which sends once in a
  /// round trip.
  ///
  /// - Parameters:
  ///   - start: what came before it does not count.
  ///   - roundTrip: the path's, in seconds; silence must be longer to count.
  func gapShare(since start: Moment, roundTrip: Double) -> Double? {
    let recent = points.drop { $0.at < start }
    // Against what came before it, because in slow start every sample dwarfs the earlier ones.
    var most: Int64 = 0
    var counted = 0
    var gaps = 0
    var silence = (samples: 0, seconds: 0.0)
    func endOfSilence() {
      if silence.seconds > 1.5 * roundTrip { gaps += silence.samples }
      silence = (0, 0)
    }
    for (earlier, later) in zip(recent, recent.dropFirst()) {
      let gain = later.bytes - earlier.bytes
      most = max(most, gain)
      guard most >= Self.burst else { continue }
      counted += 1
      if gain < most / 20 {
        silence.samples += 1
        silence.seconds += later.at - earlier.at
      } else {
        endOfSilence()
      }
    }
    endOfSilence()
    return counted >= Self.fewest ? Double(gaps) / Double(counted) : nil
  }

  /// Fewer bytes in a sample are packets, not bursts.
  private static let burst: Int64 = 65_536
  /// Samples that say something about gaps.
  private static let fewest = 8
}
