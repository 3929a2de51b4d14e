package import Rivals

/// What a policy's scores come to.
package struct Figures: Sendable {
  /// The policy.
  package var policy: PolicyName
  /// Whether it had a history.
  package var isWarm: Bool
  /// Seconds that the images took at the best rate, about.
  package var length: Double
  /// Pulls behind it.
  package var pulls: Int
  /// Mean of the best fixed pool's seconds over this policy's.
  package var mean: Double
  /// The tenth percentile of that.
  package var tenth: Double
  /// The worst of that.
  package var worst: Double
  /// Mean connection-seconds over those of the smallest pool within 2 % of the best.
  package var connectionRatio: Double
  /// Median seconds to 90 % of the best rate, of the pulls that reached it.
  package var secondsToBest: Double?
  /// Mean requests per gigabyte.
  package var requestsPerGigabyte: Double
  /// Mean requests refused for load, of a pull from a server that refuses any.
  package var refusals: Double

  /// Adds scores up; nil where there are none.
  ///
  /// - Parameter scores: of one policy, one length, all cold or all warm.
  package init?(_ scores: [League.Score]) {
    guard let first = scores.first else { return nil }
    policy = first.policy
    isWarm = first.isWarm
    length = first.length
    pulls = scores.count
    let sorted = scores.map(\.efficiency).sorted()
    func average(_ values: [Double]) -> Double {
      values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }
    mean = average(sorted)
    tenth = sorted[sorted.count / 10]
    worst = sorted[0]
    connectionRatio = average(scores.map(\.connectionRatio))
    let reached = scores.compactMap(\.secondsToBest).sorted()
    secondsToBest = reached.isEmpty ? nil : reached[reached.count / 2]
    requestsPerGigabyte = average(scores.map(\.requestsPerGigabyte))
    refusals = average(
      scores.filter { $0.model.server.connectionLimit != nil }.map { Double($0.refusals) })
  }
}
