import CairnKit
import Downloads
import OCI
import Progress
import Pull
import Tuning

extension ProgressEvent.Total {
  /// What a run came to.
  ///
  /// - Parameters:
  ///   - outcomes: of its images.
  ///   - reports: of each path that something was fetched over.
  ///   - seconds: from start to end.
  init(_ outcomes: [PullSession.Outcome], _ reports: [PullReport], seconds: Double) {
    let used = reports.filter { $0.layers.contains { $0.fetched > 0 } }
    let limits = used.compactMap { report in
      Verdict(report.record.evidence).words.map { words in
        used.count == 1 ? words : "\(report.registry): \(words)"
      }
    }
    self.init(
      images: outcomes.count,
      pulled: outcomes.count { if case .success = $0.result { true } else { false } },
      fetched: used.flatMap(\.layers).map(\.fetched).clampedSum, seconds: seconds,
      poolSize: used.reduce(0) { $0 + ($1.decisions.last?.decision.poolSize ?? 0) },
      limitedBy: limits.isEmpty ? nil : limits.joined(separator: "; "))
  }
}
