package import Tuning

/// What a simulated pull came to.
package struct SimulatedOutcome: Sendable {
  /// Seconds from its start to its end; infinite where it did not end within the limit.
  package var seconds: Double
  /// Bytes fetched.
  package var bytes: Int64
  /// Requests made.
  package var requests: Int
  /// Requests that the server refused for load.
  package var refusals: Int
  /// Requests in flight, integrated over time.
  package var connectionSeconds: Double
  /// Bytes fetched by each tick, in seconds since its start.
  package var progress: [(at: Double, bytes: Int64)]
  /// What there is to learn from it.
  package var record: PullRecord
  /// When each blob was complete or given up, in seconds since the start, by the order in which they
  /// were wanted.
  package var ends: [Int: Double] = [:]
  /// Every sample and decision, where it was asked for.
  package var trace: [TraceStep]

  /// Bytes per second in all.
  package var rate: Double { seconds > 0 ? Double(bytes) / seconds : 0 }

  /// Seconds until a second's average first reached a rate; nil: it never did.
  ///
  /// - Parameter rate: bytes per second.
  package func secondsToReach(_ rate: Double) -> Double? {
    var first = 0
    for index in progress.indices {
      while progress[index].at - progress[first].at > 1 { first += 1 }
      let start = first > 0 ? progress[first - 1] : (at: 0, bytes: 0)
      let span = progress[index].at - start.at
      guard span >= 0.2 else { continue }
      if Double(progress[index].bytes - start.bytes) / span >= rate { return progress[index].at }
    }
    return nil
  }
}

/// Machines that pull over one link at the same time, in virtual time.
package struct Simulation {
  /// One machine's pull.
  package struct Puller: Sendable {
    /// What it pulls.
    package var image: ImageModel
    /// Its policy.
    package var policy: any Policy
    /// When it begins, in seconds.
    package var startedAt: Double
    /// What it wants beside that later on, in order.
    package var later: [Arrival]

    /// Makes one that begins at once.
    package init(
      image: ImageModel, policy: any Policy, startedAt: Double = 0, later: [Arrival] = []
    ) {
      self.later = later
      self.image = image
      self.policy = policy
      self.startedAt = startedAt
    }
  }

  /// Blobs that are wanted in the course of a pull.
  package struct Arrival: Sendable {
    /// Seconds since the pull's start.
    package var at: Double
    /// Their sizes in bytes.
    package var blobs: [Int64]
  }

  /// The link and its server.
  package var model: LinkModel
  /// Makes every random choice; equal seeds give equal outcomes.
  package var seed: UInt64
  /// Virtual seconds after which pulls that still run are ended.
  package var limit: Double
  /// What pulls were told not to exceed; their policies and the link's client keep to it.
  package var limits = PullLimits()
  /// What earlier pulls taught, for the verdicts of these.
  package var prior: Prior?
  /// Whether outcomes carry every sample and decision.
  package var keepsTrace = false

  /// Virtual seconds after which any simulation ends, unless another limit is set.
  package static let longest = 3_600.0

  /// Makes a simulation.
  ///
  /// - Parameters:
  ///   - model: the link and its server.
  ///   - seed: equal seeds give equal outcomes.
  ///   - limit: virtual seconds after which it ends in any case.
  package init(model: LinkModel, seed: UInt64, limit: Double = Simulation.longest) {
    self.model = model
    self.seed = seed
    self.limit = limit
  }

  /// Runs one pull.
  package func run(_ image: ImageModel, _ policy: any Policy) -> SimulatedOutcome {
    run([Puller(image: image, policy: policy)])[0]
  }

  /// Runs pulls that share the link.
  ///
  /// - Parameter pullers: at least one.
  /// - Returns: their outcomes, in the same order.
  package func run(_ pullers: [Puller]) -> [SimulatedOutcome] {
    var random = RandomSource(seed: seed)
    let network = SharedNetwork(
      VirtualNetwork(model: model, clients: pullers.count, seed: random.next()))
    let seeds = pullers.map { _ in random.next() }
    var clients = [SimulatedClient?](repeating: nil, count: pullers.count)
    var now = 0.0
    var running = pullers.count
    while running > 0, now < limit {
      let step = network.link.step
      network.link.advance(from: now, by: step)
      for (index, puller) in pullers.enumerated() where now + step > puller.startedAt {
        // The manifest's round trip is a client's first reading: through the queue that stands then.
        let client =
          clients[index]
          ?? SimulatedClient(
            index: index, puller, over: network,
            roundTrip: network.link.noisy(network.link.roundTrip),
            seed: seeds[index], keepsTrace: keepsTrace, limits: limits,
            prior: prior)
        clients[index] = client
        guard !client.isOver else { continue }
        client.advance(from: now, by: step)
        if client.isOver { running -= 1 }
      }
      now += step
    }
    return clients.map { client in
      client.map { Self.outcome(of: $0, endedAt: now) } ?? Self.notStarted
    }
  }

  /// What comes of a pull that was to begin after the end.
  private static var notStarted: SimulatedOutcome {
    SimulatedOutcome(
      seconds: .infinity, bytes: 0, requests: 0, refusals: 0, connectionSeconds: 0, progress: [],
      record: PullRecord(seconds: 0, bytes: 0), trace: [])
  }

  private static func outcome(of client: SimulatedClient, endedAt end: Double) -> SimulatedOutcome {
    SimulatedOutcome(
      seconds: client.finishedAt.map { $0 - client.startedAt } ?? .infinity,
      bytes: client.scheduler.bytesDone, requests: client.tally.requests,
      refusals: client.tally.refusals,
      connectionSeconds: client.tally.connectionSeconds, progress: client.tally.progress,
      record: client.recorder.record(
        at: client.moment(at: client.finishedAt ?? end)),
      ends: client.tally.ends, trace: client.trace)
  }
}
