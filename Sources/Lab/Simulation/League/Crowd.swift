package import Rivals
package import Tuning

/// Many machines that pull over one link at the same time.
package struct Crowd: Sendable {
  /// What became of them.
  package struct Outcome: Sendable {
    /// Machines.
    package var clients: Int
    /// Jain's index of their throughputs: 1 where all got the same, 1/n where one got everything.
    package var fairness: Double
    /// Bytes carried over what the link or the server could have carried, 0 to 1.
    package var utilisation: Double
    /// Requests that the server refused, of all machines.
    package var refusals: Int
    /// Requests of all machines.
    package var requests: Int
    /// Mean requests in flight of a machine.
    package var meanPool: Double
    /// Machines that got less than a tenth of a fair share.
    package var starved: Int
    /// Each machine's start, in seconds, and the steps at which its pool size changed, where it was
    /// asked for.
    package var machines: [(startedAt: Double, steps: [TraceStep])]
  }

  /// Seconds over which machines begin.
  package static let arrival = 3.0
  /// Seconds after which throughput is counted: all are there then, and have settled.
  package static let settled = 15.0
  /// Seconds after which it ends.
  package static let end = 60.0

  /// Runs machines that each pull more than there is time for.
  ///
  /// - Parameters:
  ///   - clients: how many.
  ///   - policy: everybody's.
  ///   - model: the link that they share.
  ///   - knowsIdle: whether each knows the idle round trip from its history.
  ///   - seed: equal seeds give equal outcomes.
  ///   - keepsSteps: whether the outcome carries the steps at which pool sizes changed.
  package static func run(
    _ clients: Int, _ policy: PolicyName, model: LinkModel, knowsIdle: Bool, seed: UInt64,
    keepsSteps: Bool = false
  ) -> Outcome {
    var random = RandomSource(seed: seed)
    let capacity = min(model.bandwidth, model.server.rate)
    let image = ImageModel(
      name: "endless",
      blobs: Array(repeating: Int64(exactly: (capacity * end / 8).rounded(.down)) ?? 1, count: 16))
    let prior = knowsIdle ? Prior(points: [], idleRoundTripSeconds: model.roundTrip) : nil
    let context = PolicyName.Context(cpus: model.client.cpus, prior: prior)
    let pullers = (0..<clients).map { _ in
      Simulation.Puller(
        image: image, policy: policy.make(context),
        startedAt: Double.random(in: 0...arrival, using: &random))
    }
    var simulation = Simulation(model: model, seed: seed, limit: end)
    simulation.keepsTrace = keepsSteps
    let outcomes = simulation.run(pullers)
    return outcome(of: outcomes, pullers, capacity: capacity)
  }

  private static func outcome(
    of outcomes: [SimulatedOutcome], _ pullers: [Simulation.Puller], capacity: Double
  ) -> Outcome {
    let shares = zip(outcomes, pullers).map { outcome, puller -> Double in
      let before = outcome.progress.last { $0.at + puller.startedAt <= settled }?.bytes ?? 0
      return Double(outcome.bytes - before)
    }
    let sum = shares.reduce(0, +)
    let squares = shares.reduce(0) { $0 + $1 * $1 }
    let count = Double(shares.count)
    let connections = outcomes.reduce(0) { $0 + $1.connectionSeconds }
    return Outcome(
      clients: shares.count, fairness: squares > 0 ? sum * sum / (count * squares) : 0,
      utilisation: sum / (capacity * (end - settled)),
      refusals: outcomes.reduce(0) { $0 + $1.refusals },
      requests: outcomes.reduce(0) { $0 + $1.requests },
      meanPool: connections / count / (end - arrival / 2),
      starved: shares.count { $0 < 0.1 * sum / count },
      machines: zip(pullers, outcomes).map { ($0.startedAt, $1.trace.changes) })
  }
}
