/// Refuse: no more than a server is willing to serve; a little more from time to time where others want
/// it too.
enum RefuseRule {
  /// Seconds, and round trips, after which a refusal is no longer one of a burst.
  static let burst = (seconds: 1.5, trips: 4.0)
  /// Seconds without a refusal after which one more is asked of a server that others want too.
  static let quiet = 10.0
  /// Part that the server is believed to serve of those that once carried data.
  static let carried = 0.75
}

/// What refusals have said so far.
struct Refusals: Sendable {
  /// When the server refused a request last.
  var last: Moment?
  /// Whether it then refused what it had served before.
  var areContended = false
}

extension ClimbPolicy {
  mutating func refuse(_ sample: Sample) {
    let served = sample.refusals.map(\.served).filter { $0 > 0 }.min() ?? max(1, pool.size / 2)
    let rate = senses.rates.rate(since: pool.changedAt) ?? 0
    let last = refusals.last
    refusals.last = sample.now
    limit = .refusals
    let burst = RefuseRule.burst.seconds + RefuseRule.burst.trips * senses.queue.roundTrip
    if let last, sample.now - max(last, pool.changedAt) > burst {
      // It served as many before: somebody else has the rest now.
      refusals.areContended = true
      bounds.served = max(1, pool.size / 2)
      hold(Level(poolSize: bounds.ceiling, rate: rate), sample.now, because: .contended)
      return
    }
    // Responses on their way are served no longer, so a little fewer than carried data at once may be
    // what is served at once; much fewer are a server that is closed for a moment, which says nothing
    // about its limit.
    let most = senses.mostCarrying
    let part = whole((RefuseRule.carried * Double(most)).rounded(.down))
    let carried = pool.size > most ? most : part
    let ceiling = refusals.areContended ? pool.size : max(served, carried)
    bounds.served = max(1, min(bounds.served, ceiling))
    hold(
      Level(poolSize: min(pool.size, bounds.ceiling), rate: rate), sample.now,
      because: .refused(beyond: served))
  }

  /// Where others compete for what a server will serve, everybody takes a little more from time to time
  /// and gives half of it back when refused: shares become equal (Chiu and Jain, 1989).
  ///
  /// - Returns: whether one more is asked for now.
  mutating func asksForMore(_ now: Moment) -> Bool {
    guard refusals.areContended, let last = refusals.last, now - last > RefuseRule.quiet,
      pool.size < bounds.unharmed
    else { return false }
    refusals.last = now
    bounds.served = pool.size + 1
    set(bounds.served, now: now, because: .oneMore)
    return true
  }
}
