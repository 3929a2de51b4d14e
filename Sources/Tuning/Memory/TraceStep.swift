/// One line of a trace: what a policy saw and what it said.
public struct TraceStep: Sendable, Equatable, Codable {
  /// What it saw.
  public var sample: Sample
  /// What it said.
  public var decision: PoolDecision

  /// Makes a step.
  public init(sample: Sample, decision: PoolDecision) {
    self.sample = sample
    self.decision = decision
  }
}

extension [TraceStep] {
  /// The steps at which the pool size changed.
  public var changes: [TraceStep] {
    var poolSize = 0
    return filter { step in
      defer { poolSize = step.decision.poolSize }
      return step.decision.poolSize != poolSize
    }
  }
}
