import Tuning

/// How each path's downloads are to be run, and what the last ones over it were like.
struct PathPlans {
  let planner: Downloads.Planner
  /// What paths were like whose pools are gone.
  private var records: [PathKey: PullRecord] = [:]

  /// Paths of which something is known, at most.
  private static let most = 256

  init(_ planner: @escaping Downloads.Planner) { self.planner = planner }

  /// What a path was like the last time; nil: not known.
  func record(of key: PathKey) -> PullRecord? { records[key] }

  /// Notes what a path was like; a page on which nothing was measured says nothing of it.
  mutating func remember(_ record: PullRecord, _ key: PathKey) {
    guard !record.epochs.isEmpty || records[key] == nil else { return }
    if records.count >= Self.most { records = [:] }
    records[key] = record
  }
}
