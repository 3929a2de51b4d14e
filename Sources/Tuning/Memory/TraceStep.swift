/// One line of a trace: what a policy saw and what it said.
package struct TraceStep: Sendable, Equatable, Codable {
  /// What it saw.
  package var sample: Sample
  /// What it said.
  package var decision: PoolDecision

  /// Makes a step.
  package init(sample: Sample, decision: PoolDecision) {
    self.sample = sample
    self.decision = decision
  }
}

extension [TraceStep] {
  /// The steps at which the pool size changed.
  package var changes: [TraceStep] {
    var poolSize = 0
    return filter { step in
      defer { poolSize = step.decision.poolSize }
      return step.decision.poolSize != poolSize
    }
  }
}
