public import Tuning

/// Runs a policy over a recorded trace.
///
/// The samples are what another policy's pool brought, so what this one would have caused stays unknown:
/// a replay shows what it would have said at each moment, not how fast the pull would have been.
public enum Replay {
  /// Runs a policy.
  ///
  /// - Parameters:
  ///   - trace: recorded steps, in order.
  ///   - policy: what is asked.
  /// - Returns: the same samples with this policy's decisions.
  public static func run(_ trace: [TraceStep], _ policy: any Policy) -> [TraceStep] {
    guard let first = trace.first else { return [] }
    var policy = policy
    let bytes = first.sample.bytesDone + first.sample.bytesLeft
    _ = policy.start(
      Opening(bytes: bytes, roundTripSeconds: first.sample.readings.smallestRoundTripSeconds))
    return trace.map { TraceStep(sample: $0.sample, decision: policy.observe($0.sample)) }
  }
}
