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
