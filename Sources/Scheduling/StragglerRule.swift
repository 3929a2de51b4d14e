import Tuning

/// When a connection that crawls beside others is given up, and another one asked for what it still owes.
///
/// A straggler is one by comparison: with the others that are in flight now, never with what was or
/// should be. Where all connections get the same, however little that is, there is none. What is
/// asked for again costs a request and a new connection, which may be no better: so a server gets
/// few such requests for those that it answers well.
struct StragglerRule: Sendable, Equatable {
  /// So many times slower than the others.
  static let factor = 8.0
  /// For so many seconds without a break.
  static let patience = 3.0
  /// Connections given up before any request ended well.
  static let first = 2.0
  /// What each request that ends well adds to that, up to `most`.
  static let share = 1.0 / 8
  static let most = 4.0

  /// How many connections may be given up now.
  private(set) var allowance = first

  /// A request ended well.
  mutating func noteEnd() { allowance = min(Self.most, allowance + Self.share) }

  /// Takes leave to give up one connection; false: not now.
  mutating func take() -> Bool {
    guard allowance >= 1 else { return false }
    allowance -= 1
    return true
  }

  /// The median of the others; nil: there are none.
  ///
  /// - Parameters:
  ///   - rates: of all, in ascending order.
  ///   - rate: the one's own, which is among them.
  static func typical(of rates: [Double], without rate: Double) -> Double? {
    guard rates.count > 1 else { return nil }
    let middle = (rates.count - 2) / 2
    return rates[middle] < rate ? rates[middle] : rates[middle + 1]
  }

  /// Whether one is behind the others by far, and a new request would bring what it owes much sooner.
  ///
  /// - Parameters:
  ///   - rate: its bytes per second.
  ///   - typical: the median of the others'.
  ///   - owed: bytes that it still has to bring.
  ///   - requestSeconds: what a request waits for its first byte.
  static func isBehind(
    rate: Double, typical: Double, owed: Int64, requestSeconds: Double
  ) -> Bool {
    guard typical > 0, rate * factor < typical else { return false }
    let fresh = requestSeconds + Double(owed) / typical
    // Without a byte it has for ever to go.
    return Double(owed) > rate * (1 + 3 * fresh)
  }
}

extension Scheduler {
  /// Hands back the segments of connections that are far slower than the others, and have been for a
  /// while; what came of them is kept.
  mutating func handBackStragglers(now: Moment, _ actions: inout [SchedulerAction]) {
    let rates = segments.compactMap { entry -> (id: SegmentID, rate: Double)? in
      guard entry.value.requests.count == 1,
        let rate = entry.value.rate.settledBytesPerSecond(at: now)
      else { return nil }
      return (entry.key, rate)
    }.sorted { $0.id.number < $1.id.number }
    // Between two segments of the others there is nothing to compare with, and nothing has changed.
    guard rates.count > 1 else { return }
    let sorted = rates.map(\.rate).sorted()
    for (id, rate) in rates {
      guard let segment = segments[id],
        let typical = StragglerRule.typical(of: sorted, without: rate)
      else { continue }
      guard
        StragglerRule.isBehind(
          rate: rate, typical: typical, owed: segment.remaining, requestSeconds: requestSeconds)
      else {
        if segment.behindSince != nil { segments[id]?.behindSince = nil }
        continue
      }
      let since = segment.behindSince ?? now
      segments[id]?.behindSince = since
      // A server that sends the whole blob would begin again, and one that refuses has its reasons.
      guard now - since >= StragglerRule.patience, blobs[segment.blob].ranged,
        now >= refusedUntil, trouble.rounds == 0, stragglers.take()
      else { continue }
      handBack(id, &actions)
    }
  }
}
