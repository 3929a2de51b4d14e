import Tuning

/// Netflix concurrency-limits' `AIMDLimit`: one more an answer, a tenth less a refusal.
///
/// Source: Netflix/concurrency-limits,
/// `concurrency-limits-core/src/main/java/com/netflix/concurrency/limits/limit/AIMDLimit.java`,
/// commit 784c960d. Its defaults: `initialLimit = 20`, `minLimit = 20`, `maxLimit = 200`,
/// `backoffRatio = 0.9`, `timeout` 5 s. An answer adds 1 while at least half of the limit is in
/// flight (`inflight * 2 >= currentLimit`); a drop, or an answer that took longer than the timeout,
/// leaves `(int) (currentLimit * backoffRatio)`.
///
/// Theirs times whole calls, which are short. A request here lasts as long as its bytes take, so
/// the time to its first byte stands in: that is what a server takes to answer. A refusal is a
/// drop.
struct AIMDPolicy: Policy {
  /// `initialLimit` and `minLimit`, in workers.
  private static let least = 20
  /// `maxLimit`, in workers.
  private static let most = 200
  private static let backoffRatio = 0.9
  private static let timeoutSeconds = 5.0

  private let maximum: Int
  private var limit = AIMDPolicy.least

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  init(maximum: Int) { self.maximum = maximum }

  /// The name in reports.
  var name: String { "aimd" }

  /// The pool size to open with.
  mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  mutating func observe(_ sample: Sample) -> PoolDecision {
    for seconds in sample.firstByteSeconds {
      if seconds > Self.timeoutSeconds {
        backOff()
      } else if sample.open * 2 >= limit {
        bound(limit + 1)
      }
    }
    for _ in sample.refusals { backOff() }
    return decision
  }

  private mutating func backOff() {
    bound(whole((Double(limit) * Self.backoffRatio).rounded(.down)))
  }

  private mutating func bound(_ wanted: Int) {
    limit = min(Self.most, maximum, max(Self.least, wanted))
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, limit), reason: "+1 an answer, x 0.9 a refusal")
  }
}
