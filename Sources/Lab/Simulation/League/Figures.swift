public import Rivals

/// What a policy's scores come to.
public struct Figures: Sendable {
  /// The policy.
  public var policy: PolicyName
  /// Whether it had a history.
  public var isWarm: Bool
  /// Seconds that the images took at the best rate, about.
  public var length: Double
  /// Pulls behind it.
  public var pulls: Int
  /// Mean of the best fixed pool's seconds over this policy's.
  public var mean: Double
  /// The tenth percentile of that.
  public var tenth: Double
  /// The worst of that.
  public var worst: Double
  /// Mean connection-seconds over those of the smallest pool within 2 % of the best.
  public var connectionRatio: Double
  /// Median seconds to 90 % of the best rate, of the pulls that reached it.
  public var secondsToBest: Double?
  /// Mean requests per gigabyte.
  public var requestsPerGigabyte: Double
  /// Mean requests refused for load, of a pull from a server that refuses any.
  public var refusals: Double

  /// Adds scores up; nil where there are none.
  ///
  /// - Parameter scores: of one policy, one length, all cold or all warm.
  public init?(_ scores: [League.Score]) {
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
