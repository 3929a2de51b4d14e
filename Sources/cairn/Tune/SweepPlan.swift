import OCI
import Synchronization

/// What a sweep is about to do, for whoever is asked.
struct SweepPlan {
  /// The image.
  let reference: String
  /// Pulls that are left.
  let pulls: Int
  /// Bytes of each.
  let bytes: Int64
  /// Whether pulls count against Docker Hub's quota.
  let isDockerHub: Bool

  /// One line, or two.
  var text: String {
    let (sum, isTooMuch) = bytes.multipliedReportingOverflow(by: Int64(pulls))
    let total = ByteCount.text(isTooMuch ? .max : sum)
    let count = pulls == 1 ? "one pull" : "\(pulls) pulls"
    let line = "\(count) of \(reference), \(ByteCount.text(bytes)) each: \(total) in all"
    guard isDockerHub, pulls > 0 else { return line }
    return line
      + "\neach of them counts against Docker Hub's pull quota for your account or address"
  }
}

/// Seconds that pulls waited because a server had asked for it.
final class WaitedSeconds: Sendable {
  private let seconds = Mutex(0.0)

  /// All of them.
  var sum: Double { seconds.withLock { $0 } }

  /// Adds a wait.
  func add(_ wait: Double) { seconds.withLock { $0 += wait } }
}
