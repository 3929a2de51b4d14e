import OCI
package import Tuning

/// Verdicts for people and for programs.
extension Verdict {
  /// What limited the pull, with the evidence, after "limited by"; nil: that is not clear.
  package var words: String? {
    guard let cause else { return nil }
    let shares = evidence.shares
    switch cause {
    case .line: return "the line: " + plateau(or: queue)
    case .server:
      return "the server's limit for all connections: " + plateau(or: "")
        + ", and no queue on the line"
    case .perConnection: return "the server's limit per connection: " + each + more
    case .overload: return "an overloaded server or path: " + levels
    case .refusals: return "the server's limit of requests: " + refusals
    case .roundTrips: return waiting
    case .cpu: return "this machine's CPU: no time was left in \(percent(shares.cpu)) of the pull"
    case .disk: return "this disk: writing took all the time in \(percent(shares.disk)) of the pull"
    case .limitRate: return "your --limit-rate of \(rate(evidence.limits.bytesPerSecond ?? 0))"
    case .maxWorkers: return maximum + ": " + gain + "; try more"
    case .loss, .shape: return cause.words
    }
  }

  /// The numbers behind it, by name.
  package var numbers: [String: Double] {
    let (shares, limits) = (evidence.shares, evidence.limits)
    let all: [String: Double?] = [
      "bytesPerSecond": evidence.rate, "seconds": evidence.flowing,
      "connections": main?.connections, "connectionBytesPerSecond": main?.each,
      "otherConnections": other?.connections, "otherBytesPerSecond": other?.rate,
      "roundTripSeconds": evidence.roundTrip, "queueSeconds": evidence.queueSeconds,
      "queueShare": shares.queue, "cpuShare": shares.cpu, "diskShare": shares.disk,
      "burstShare": shares.bursts, "idleShare": shares.idle, "waitingShare": shares.waiting,
      "askingShare": evidence.shares.asking, "firstByteSeconds": evidence.firstByteSeconds,
      "rateSpread": evidence.spread, "silentSeconds": evidence.silent,
      "disordersPerSecond": evidence.disorder, "refusals": Double(evidence.refusals),
      "servedAtRefusal": evidence.servedAtRefusal.map { Double($0) },
      "limitRate": limits.bytesPerSecond, "maxWorkers": Double(limits.workers),
      "maxWorkersShare": shares.atMost,
    ]
    return all.compactMapValues { $0 }
  }

  // MARK: Parts

  /// Rates this near to each other are the same.
  private static let same = 0.1

  /// One rate whatever the number of connections; where no other number was tried for long, what
  /// else there is to say.
  private func plateau(or reading: String) -> String {
    guard let main else { return rate(evidence.rate) }
    guard let other, abs(other.rate / main.rate - 1) < Self.same else {
      return "\(rate(main.rate)) with \(connections(main))" + reading
    }
    let sizes = [main, other].sorted { $0.connections < $1.connections }
    return "\(rate(main.rate)), whether \(whole(sizes[0].connections)) or \(connections(sizes[1]))"
  }

  /// Answers that take so much longer than a round trip are slow themselves.
  private static let slowAnswer = (seconds: 0.1, trips: 5.0)

  /// What requests waited for before their first byte: the way there and back, or the server.
  private var waiting: String {
    let share = percent(evidence.shares.asking)
    let trip = evidence.roundTrip ?? 0
    guard let answer = evidence.firstByteSeconds, answer > Self.slowAnswer.trips * trip,
      answer > trip + Self.slowAnswer.seconds
    else {
      return "round trips: small blobs, whose requests waited \(share) of their time "
        + "for a first byte"
    }
    let tenths = whole(answer * 10)
    return "the server's answers: it takes \(tenths / 10).\(tenths % 10) s to answer each request, "
      + "which was \(share) of their time"
  }

  private var queue: String {
    guard let seconds = evidence.queueSeconds, evidence.shares.queue > 0.2 else {
      return "; it drops what is more"
    }
    return "; packets waited \(whole(seconds * 1e3)) ms in front of it"
  }

  private var each: String {
    guard let main else { return "" }
    let brought = "each brought \(rate(main.each))"
    guard let other, abs(other.each / main.each - 1) < 2 * Self.same else {
      return evidence.shares.bursts > 0.1 ? brought + ", in bursts" : brought
    }
    let sizes = [main, other].sorted { $0.connections < $1.connections }
    return brought + ", whether \(whole(sizes[0].connections)) or \(whole(sizes[1].connections))"
  }

  private var levels: String {
    [main, other].compactMap { $0 }.map { "\(rate($0.rate)) with \(connections($0))" }
      .joined(separator: ", ")
  }

  private var refusals: String {
    let count = evidence.refusals == 1 ? "1 was" : "\(evidence.refusals) were"
    let served = evidence.servedAtRefusal.map { " while it served \($0)" } ?? ""
    return count + " refused for load" + served
  }

  /// What nobody set, but could.
  private var more: String {
    guard evidence.shares.atMost > 0.5 else { return "" }
    return "; more than --max-workers \(evidence.limits.workers) may bring more"
  }

  private var maximum: String {
    let count = evidence.limits.workers
    return switch evidence.limits.origin {
    case .standard, .user: "your --max-workers \(count)"
    case .fixed: "your --workers \(count)"
    case .openFiles: "the limit on open files (ulimit -n), which leaves room for \(count) workers"
    }
  }

  private var gain: String {
    guard let main, let other, other.connections < main.connections, other.rate > 0 else {
      return "nothing was full"
    }
    return "\(connections(main)) brought \(percent(main.rate / other.rate - 1)) more than "
      + "\(whole(other.connections))"
  }

  private func rate(_ bytesPerSecond: Double) -> String {
    ByteCount.text(whole(bytesPerSecond)) + "/s"
  }

  private func connections(_ level: PullEvidence.Level) -> String {
    let count = whole(level.connections)
    return count == 1 ? "1 connection" : "\(count) connections"
  }

  private func percent(_ share: Double) -> String { "\(whole(share * 100)) %" }

  private func whole(_ value: Double) -> Int64 { Int64(clamping: max(0, value).rounded()) }
}
