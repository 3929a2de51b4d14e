import Disk
import Downloads
import FoundationEssentials
import History
import Progress
import Pull
import Tuning

/// What a run knows of the ways to its registries before it begins: plans, and who answered the last time.
struct PathsOfRun {
  private var keepers: [String: HistoryKeeper] = [:]
  /// How paths are run, by registry.
  private(set) var planners: [String: PathPlanner] = [:]
  /// Who answered, by registry.
  private(set) var servers: [String: RegistryServers] = [:]

  /// Asks the history, where one is used.
  ///
  /// - Parameters:
  ///   - registries: those of the run's images, and how each of them is pulled from.
  ///   - file: the history's; nil: there is none.
  ///   - site: where a site's machines export to; nil: nowhere.
  ///   - display: shows warnings.
  init(
    _ registries: [String: PullOptions], file: String?, site: String?,
    _ display: any ProgressDisplay
  ) {
    let most = Self.workersThatFit(registries.values.map(\.workers.most), display)
    for (registry, options) in registries {
      var keeper: HistoryKeeper?
      if let file {
        keeper = HistoryKeeper(file: file, registry: registry, site: site) {
          display.show(.warning($0))
        }
      }
      keepers[registry] = keeper
      planners[registry] = PathPlanner(options, most: most, prior: keeper?.prior())
      servers[registry] = keeper?.servers()
    }
  }

  /// Writes down what downloads were like, whether they went well or not.
  func record(_ reports: [PullReport]) {
    for report in reports { keepers[report.registry]?.record(report) }
  }

  /// The most workers that the limit on open files leaves room for.
  ///
  /// - Parameters:
  ///   - wishes: the most that each registry is to have.
  ///   - display: told which of them are not to be had.
  private static func workersThatFit(_ wishes: [Int], _ display: any ProgressDisplay) -> Int {
    let most = max(1, OpenFileBudget.ofProcess.workers / max(1, wishes.count))
    for wanted in Set(wishes).sorted() where most < wanted {
      display.show(
        .warning("the limit on open files (ulimit -n) leaves room for \(most) of \(wanted) workers")
      )
    }
    return most
  }
}

extension PullOptions.HistoryPlace {
  /// The history's file; nil: there is none.
  ///
  /// - Parameter environment: the process's.
  func file(_ environment: [String: String]) -> String? {
    switch self {
    case .standard: Self.standardFile(environment)
    case .file(let path): URL(filePath: path).path
    case .none: nil
    }
  }

  /// The command's own: `$XDG_STATE_HOME/cairn/history.sqlite`, below `~/.local/state` where that is not set.
  ///
  /// - Parameter environment: the process's.
  package static func standardFile(_ environment: [String: String]) -> String {
    UserFolders(environment).state + "/cairn/history.sqlite"
  }
}
