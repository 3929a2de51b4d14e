import CairnKit
import Downloads
import History
import Synchronization
import Threads
import Tuning

/// What the history knows of the registries that are served, and what is learned of them.
///
/// A pull through the service starts from what pulls have taught, and teaches the next, whoever makes that.
/// The history is a file that other processes write, too: whoever waits for it keeps no thread that all
/// callers share.
final class ServePaths: Sendable {
  private let keepers = Mutex<[String: HistoryKeeper]>([:])
  private let work = LongWork(name: "history")
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

  /// The plan of a path; that of an unknown one where nobody waits for it any more.
  func plan(_ key: PathKey, _ known: PullRecord?) async -> PathPlan {
    make(await with(key.registry) { $0.prior() } ?? nil).plan(known)
  }

  /// Writes down what downloads over a path were like.
  func record(_ report: PullReport) async {
    guard !isLimited else { return }
    await with(report.registry) { $0.record(report) }
  }

  /// Who answered for a registry the last time.
  func servers(_ registry: String) async -> RegistryServers? {
    await with(registry) { $0.servers() } ?? nil
  }

  /// Asks the history, or tells it.
  ///
  /// - Returns: nil where the task was cancelled.
  @discardableResult
  private func with<Value: Sendable>(
    _ registry: String, _ body: @escaping @Sendable (HistoryKeeper) -> sending Value
  ) async -> Value? {
    try? await work.run { [self] in withKeeper(registry, body) }
  }

  private func withKeeper<Value: Sendable>(
    _ registry: String, _ body: (HistoryKeeper) -> sending Value
  ) -> Value {
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
