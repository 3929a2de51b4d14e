import CairnKit
import Downloads
import History
import Synchronization
import Tuning

/// What the history knows of the registries that are served, and what is learned of them.
///
/// A pull through the service starts from what pulls have taught, and teaches the next, whoever makes that.
final class ServePaths: Sendable {
  private let keepers = Mutex<[String: HistoryKeeper]>([:])
  private let file: String
  private let site: String?
  private static let mostKeepers = 32
  private let make: @Sendable (Prior?) -> PathPlanner
  /// Whether the rate is what a user said: then it shows nothing of the path.
  private let isLimited: Bool
  private let warn: @Sendable (String) -> Void

  /// - Parameters:
  ///   - file: the history's path.
  ///   - site: where a site's machines export to; nil: nowhere.
  ///   - isLimited: whether a user limits the rate.
  ///   - warn: shows a warning.
  ///   - make: makes the planner of a registry of which so much is known.
  init(
    file: String, site: String?, isLimited: Bool, warn: @escaping @Sendable (String) -> Void,
    make: @escaping @Sendable (Prior?) -> PathPlanner
  ) {
    self.file = file
    self.site = site
    self.isLimited = isLimited
    self.warn = warn
    self.make = make
  }

  /// The plan of a path.
  func plan(_ key: PathKey, _ known: PullRecord?) -> PathPlan {
    let prior = with(key.registry) { $0.prior() }
    return make(prior).plan(known)
  }

  /// Writes down what downloads over a path were like.
  func record(_ report: PullReport) {
    guard !isLimited else { return }
    with(report.registry) { $0.record(report) }
  }

  /// Who answered for a registry the last time.
  func servers(_ registry: String) -> RegistryServers? { with(registry) { $0.servers() } }

  private func with<Value>(_ registry: String, _ body: (HistoryKeeper) -> sending Value) -> Value {
    keepers.withLock { keepers in
      if let keeper = keepers[registry] { return body(keeper) }
      // Each has a file open, and callers may name any registry.
      if keepers.count >= Self.mostKeepers { keepers = [:] }
      let keeper = HistoryKeeper(file: file, registry: registry, site: site, warn: warn)
      keepers[registry] = keeper
      return body(keeper)
    }
  }
}
