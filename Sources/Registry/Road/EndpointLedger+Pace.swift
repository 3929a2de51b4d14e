/// Which endpoints are faster than others.
extension EndpointLedger {
  /// Seconds between the ends and beginnings of comparisons: the first, and the most, after each
  /// twice as long.
  private static let pauses = (first: 30.0, most: 600.0)

  /// Whether an endpoint that is slow may be compared with the next one: one comparison at a time,
  /// with growing pauses.
  ///
  /// Whoever gets leave says when it is over.
  func mayCompare(_ endpoint: Endpoint, now: Double) -> Bool {
    change(endpoint) {
      if let last = $0.comparison, now - last.endedAt < last.pause { return false }
      guard !$0.isCompared else { return false }
      $0.isCompared = true
      return true
    }
  }

  /// A comparison is over.
  ///
  /// - Parameters:
  ///   - endpoint: whose.
  ///   - now: when nobody was found to be faster; nil: it ended before that was seen, and the next
  ///     one need not wait.
  func compared(_ endpoint: Endpoint, at now: Double?) {
    change(endpoint) {
      $0.isCompared = false
      guard let now else { return }
      let pause = $0.comparison.map { min($0.pause * 2, Self.pauses.most) } ?? Self.pauses.first
      $0.comparison = (now, pause)
    }
  }

  /// Keeps whether its last answer was slow.
  func notePace(_ endpoint: Endpoint, isSlow: Bool) { change(endpoint) { $0.isSlow = isSlow } }

  /// Whether its last answer was slow: it is seen sooner of the next one.
  func isSlow(_ endpoint: Endpoint) -> Bool { change(endpoint) { $0.isSlow } }

  /// Whether others are asked before it, since they are faster by far.
  func isOutrun(_ endpoint: Endpoint) -> Bool { change(endpoint) { $0.isOutrun } }

  /// One endpoint was faster than another by far: it is asked before it from now on.
  ///
  /// - Returns: whether that is news.
  func outrun(_ slower: Endpoint, by faster: Endpoint) -> Bool {
    change(faster) { $0.isOutrun = false }
    return change(slower) { record in
      defer { record.isOutrun = true }
      return !record.isOutrun
    }
  }
}
