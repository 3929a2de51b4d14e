/// The pure rule that turns samples of a pull into a pool size.
///
/// A policy is a value: it has no clock, no randomness and no effects of its own, so the real pull
/// and a simulation drive the very same code. The scheduler asks it once at the start and then at
/// every sample, and obeys its number at the next segment boundary: shrinking never kills a
/// healthy transfer.
public protocol Policy: Sendable {
  /// The policy's name in reports.
  var name: String { get }

  /// The pool size to open with.
  ///
  /// - Parameter now: the moment at which the first request could start.
  mutating func start(now: Moment) -> PoolDecision

  /// Takes a sample and decides again.
  ///
  /// - Parameter sample: what happened since the sample before.
  mutating func observe(_ sample: Sample) -> PoolDecision
}

/// A policy's answer: how many workers, how long their segments, and why.
public struct PoolDecision: Sendable, Equatable {
  /// How many workers are allowed, at least 1.
  public var poolSize: Int
  /// How long one request of a worker should last, in seconds.
  public var segmentSeconds: Double
  /// Why, in words for `--explain`.
  public var reason: String

  /// Makes a decision.
  ///
  /// - Parameters:
  ///   - poolSize: workers allowed; less than 1 counts as 1.
  ///   - segmentSeconds: wanted duration of one request, in seconds.
  ///   - reason: why, in words.
  public init(poolSize: Int, segmentSeconds: Double = 3, reason: String) {
    self.poolSize = max(1, poolSize)
    self.segmentSeconds = segmentSeconds
    self.reason = reason
  }
}

/// A pool size that a person gave; it never changes.
public struct FixedPolicy: Policy {
  private let decision: PoolDecision

  /// Makes the policy.
  ///
  /// - Parameters:
  ///   - poolSize: the number of workers, at least 1.
  ///   - reason: where the number comes from.
  public init(poolSize: Int, reason: String = "given by --workers") {
    decision = PoolDecision(poolSize: poolSize, reason: reason)
  }

  /// `fixed` and the number.
  public var name: String { "fixed \(decision.poolSize)" }

  /// The given size.
  public mutating func start(now: Moment) -> PoolDecision { decision }

  /// The given size, whatever happened.
  public mutating func observe(_ sample: Sample) -> PoolDecision { decision }
}
