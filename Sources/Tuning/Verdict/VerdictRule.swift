/// The rule of verdicts: what was full comes first, then what the numbers of connections did to the rate.
struct VerdictRule {
  /// What it comes to.
  enum Finding {
    case cause(PullRecord.Limit, PullEvidence.Level? = nil)
    case silence(Verdict.Silence)
  }

  let evidence: PullEvidence
  /// The level with most time.
  let main: PullEvidence.Level?
  /// Those that say something, of this pull and, where the path is as it was, of earlier ones.
  private let levels: [PullEvidence.Level]

  /// Seconds, and round trips, of flowing bytes before which slow start is most of what is seen.
  private static let short = (seconds: 2.0, trips: 20.0)
  /// What is so for more than this part of the time is what limited the pull.
  private static let most = 0.5
  /// Part of the rate that the user allows from which on it is what limits.
  private static let allowed = 0.85
  /// Part of requests' time before their first byte from which on round trips are what limits.
  private static let asking = 0.4
  /// What was measured for fewer seconds says nothing.
  private static let telling = 0.3
  /// The same where bytes come in bursts: fewer whole seconds are all burst, or none.
  private static let tellingBursts = 2.0
  /// Levels that are nearer to each other are the same.
  private static let apart = 1.3
  /// By how much of the growth of the pool the rate grows: less is a plateau, more is in proportion.
  private static let plateau = 0.3
  private static let proportional = 0.6
  /// The same where more connections are too many: the rate falls.
  private static let harm = -0.2
  /// What was measured for fewer seconds says nothing about harm: a line's rate goes up and down, too.
  private static let tellingHarm = 2.0
  /// Requests whose rates scatter less, where nothing is lost, had equal connections.
  private static let alike = 0.15
  /// Fewer disorders are none.
  private static let quiet = 0.01
  /// A queue of more round trips is none that a sender like BBR leaves.
  private static let shortQueue = 3.0
  /// Bytes of a packet, packets of a first window, and by how many it grows in a round trip, at least.
  private static let packet = 1448.0
  private static let firstWindow = 8.0
  private static let growth = 0.25
  /// Disorders a second of a connection: fewer are an accident, more are a line that drops what it
  /// has no room for.
  private static let disorder = (some: 0.3, many: 3.0)
  /// Part of the time with a queue that makes a plateau the line's, and above which a rate in
  /// proportion says nothing.
  private static let someQueue = 0.1
  /// Part of the time with bursts that shows a server that counts by the second.
  private static let bursts = 0.3
  /// Earlier levels count where today's rate is within this factor of theirs.
  private static let asBefore = 1.25

  init(_ evidence: PullEvidence) {
    self.evidence = evidence
    let own = evidence.levels.filter { $0.connections > 0 }
    let longest = own.max { $0.seconds < $1.seconds }
    let main = longest.flatMap { $0.seconds >= Self.telling ? $0 : nil }
    self.main = main
    let isAsBefore = evidence.earlier.contains { before in
      guard let main, !Self.areApart(main, before) else { return false }
      return main.rate < Self.asBefore * before.rate && before.rate < Self.asBefore * main.rate
    }
    levels = own + (isAsBefore ? evidence.earlier : [])
  }

  var finding: Finding {
    let (shares, limits) = (evidence.shares, evidence.limits)
    if let allowed = limits.bytesPerSecond, evidence.rate >= Self.allowed * allowed {
      return .cause(.limitRate)
    }
    let short = Self.short.seconds + Self.short.trips * (evidence.roundTrip ?? 0)
    guard evidence.flowing >= short, let main else { return .silence(.tooShort) }
    if shares.cpu + shares.disk > Self.most {
      return .cause(shares.cpu > shares.disk ? .cpu : .disk)
    }
    let isRefused = evidence.refusals > 0 && shares.atServed > Self.most
    if let harmed, !isRefused { return .cause(.overload, harmed) }
    let compared = compared(with: main)
    if queue > Self.most { return .cause(.line, compared?.level) }
    if evidence.shares.asking > Self.asking {
      if let compared, compared.elasticity < Self.plateau { return .silence(.notClear) }
      return .cause(isAtUsersMost ? .maxWorkers : .roundTrips)
    }
    if isRefused { return .cause(.refusals) }
    return byLevels(main, compared)
  }

  /// What the rate did when there were more connections, or fewer.
  private func byLevels(
    _ main: PullEvidence.Level, _ compared: (level: PullEvidence.Level, elasticity: Double)?
  ) -> Finding {
    let isBursty = evidence.shares.bursts > Self.bursts
    if let compared, compared.elasticity < Self.harm, isUndisturbed {
      return .cause(.overload, compared.level)
    }
    if let compared, compared.elasticity < Self.plateau {
      if evidence.disorder ?? 0 > Self.disorder.many || queue > Self.someQueue {
        return .cause(.line, compared.level)
      }
      return isUndisturbed ? .cause(.server, compared.level) : .silence(.notClear)
    }
    if isBursty { return .cause(isAtUsersMost ? .maxWorkers : .perConnection, compared?.level) }
    guard queue <= Self.someQueue else { return .silence(.notClear) }
    let isProportional = compared.map { $0.elasticity > Self.proportional } ?? false
    let areAlike = isUndisturbed && evidence.spread.map { $0 < Self.alike } ?? false
    // Equal connections of one number say nothing: so are those of a server that deals out what it has.
    if isAtUsersMost, isProportional { return .cause(.maxWorkers, compared?.level) }
    return isProportional && areAlike
      ? .cause(.perConnection, compared?.level) : .silence(.notClear)
  }

  /// Whether nothing was lost, or as good as nothing.
  private var isUndisturbed: Bool { evidence.disorder ?? 0 < Self.disorder.some }

  /// Part of the time in which a queue stood; 0 where what seemed to be one was a sender that
  /// something else held back.
  ///
  /// A sender that loses nothing has a window of ten packets and one more in a few round trips.
  /// Where much less than that is under way, it is not the line that holds it back, and its pauses
  /// lengthen the kernel's readings. Senders that keep queues short (BBR) stay within a few round
  /// trips.
  private var queue: Double {
    guard let main, let trip = evidence.roundTrip, let queue = evidence.queueSeconds,
      evidence.disorder.map({ $0 < Self.quiet }) ?? false, queue > Self.shortQueue * trip
    else { return evidence.shares.queue }
    let trips = evidence.flowing * evidence.shares.queue / (trip + queue)
    let window = Self.packet * (Self.firstWindow + Self.growth * trips)
    return main.each * (trip + queue) < window ? 0 : evidence.shares.queue
  }

  /// Whether there were as many workers as the user or this machine allows, and no more than that.
  private var isAtUsersMost: Bool {
    evidence.shares.atMost > Self.most && evidence.limits.origin != .standard
  }

  /// What more connections than the best number brought, where that was clearly less; nil: more did no harm.
  ///
  /// Where most of the time was spent with more, it is what the best number brought. Fewer and more
  /// than most of the time taken together would hide it: the rate rises up to the best number, and
  /// falls beyond. A queue is no objection: one in front of a line slows nobody down, and a
  /// server's pauses look like one.
  private var harmed: PullEvidence.Level? {
    let long = levels.filter { $0.seconds >= Self.tellingHarm && $0.rate > 0 }
    guard isUndisturbed, let main, let best = long.max(by: { $0.rate < $1.rate }),
      let more = Self.together(
        long.filter { $0.connections >= Self.apart * best.connections }),
      log(more.rate / best.rate) < Self.harm * log(more.connections / best.connections)
    else { return nil }
    return main.connections < Self.apart * best.connections ? more : best
  }

  private static func areApart(_ one: PullEvidence.Level, _ other: PullEvidence.Level) -> Bool {
    max(one.connections, other.connections) >= apart * min(one.connections, other.connections)
  }

  /// What other numbers of connections brought: fewer together, or more, whichever is longer and
  /// farther away.
  private func compared(
    with main: PullEvidence.Level
  ) -> (level: PullEvidence.Level, elasticity: Double)? {
    let others = levels.filter { Self.areApart($0, main) }
    let sides = [
      others.filter { $0.connections < main.connections },
      others.filter { $0.connections > main.connections },
    ].compactMap { Self.together($0) }
    func distance(_ level: PullEvidence.Level) -> Double {
      log(level.connections / main.connections)
    }
    let telling = evidence.shares.bursts > Self.bursts ? Self.tellingBursts : Self.telling
    let best = sides.filter { $0.seconds >= telling && $0.rate > 0 }.max {
      $0.seconds * abs(distance($0)) < $1.seconds * abs(distance($1))
    }
    guard let best, main.rate > 0 else { return nil }
    return (best, log(best.rate / main.rate) / distance(best))
  }

  private static func together(_ levels: [PullEvidence.Level]) -> PullEvidence.Level? {
    let seconds = levels.reduce(0) { $0 + $1.seconds }
    guard seconds > 0 else { return nil }
    return .init(
      connections: levels.reduce(0) { $0 + $1.connections * $1.seconds } / seconds,
      seconds: seconds, bytes: levels.reduce(0) { $0 + $1.bytes })
  }
}
