package import Rivals
import Tuning

/// Clients that come one after the other to one pool, and want images which share layers: what the
/// local endpoint does for a machine, or a pull of several images for its user.
///
/// A layer that two want is fetched once. The pool lives on while nothing is wanted, and its clock
/// stands still until somebody comes.
package struct Arrivals: Sendable {
  /// What became of them.
  package struct Outcome: Sendable {
    /// Bytes that the clients wanted, in all.
    package var wanted: Int64
    /// Bytes that were fetched.
    package var fetched: Int64
    /// Each client's arrival and the seconds until it had everything, in the order of arrival; infinite
    /// where it never had.
    package var clients: [(arrivedAt: Double, seconds: Double)]
    /// What the pool did in all.
    package var pull: SimulatedOutcome

    /// Seconds of the client in the middle, and of the slowest.
    package var seconds: (median: Double, slowest: Double) {
      let sorted = clients.map(\.seconds).sorted()
      return (sorted.isEmpty ? 0 : sorted[sorted.count / 2], sorted.last ?? 0)
    }
  }

  /// Seconds that an image takes at the line's rate.
  package static let length = 4.0
  /// Seconds within which clients come, for each of them.
  package static let spread = 2.0

  /// Runs clients that come within `spread` seconds each, the first at once.
  ///
  /// The larger half of an image's layers is everybody's, the others are each client's own.
  ///
  /// - Parameters:
  ///   - count: how many.
  ///   - policy: the pool's.
  ///   - model: the link.
  ///   - image: the shape of everybody's image.
  ///   - seed: equal seeds give equal outcomes.
  ///   - keepsTrace: whether the outcome carries every sample and decision.
  package static func run(
    _ count: Int, _ policy: PolicyName, model: LinkModel, image: ImageModel, seed: UInt64,
    keepsTrace: Bool = false
  ) -> Outcome {
    var random = RandomSource(seed: seed)
    let rate = min(model.bandwidth, model.server.rate, model.client.limit)
    let layers = image.scaled(to: rate * length).blobs.sorted(by: >)
    let common = (layers.count + 1) / 2
    let own = Array(layers.dropFirst(common))
    let times =
      [0]
      + (1..<max(2, count)).map { _ in
        Double.random(in: 0...(spread * Double(count)), using: &random)
      }.sorted()
    let clients = times.prefix(count)
    var first = image
    first.blobs = layers
    let puller = Simulation.Puller(
      image: first, policy: policy.make(PolicyName.Context(cpus: model.client.cpus)),
      later: clients.dropFirst().map { Simulation.Arrival(at: $0, blobs: own) })
    var simulation = Simulation(model: model, seed: seed)
    simulation.keepsTrace = keepsTrace
    let pull = simulation.run([puller])[0]
    let ends = clients.enumerated().map { index, at -> (arrivedAt: Double, seconds: Double) in
      // Layers are numbered as they are wanted first: the common ones, then each client's own.
      let start = index == 0 ? common : common + index * own.count
      let needed = Array(0..<common) + Array(start..<(start + own.count))
      let end = needed.map { pull.ends[$0] ?? .infinity }.max() ?? 0
      return (at, max(0, end - at))
    }
    return Outcome(
      wanted: Int64(clients.count) * layers.reduce(0, +), fetched: pull.bytes, clients: ends,
      pull: pull)
  }
}
