package import Downloads
package import Progress
package import Store

/// What the images of one run share: the downloads, with their pools, and the display.
package struct PullRun: Sendable {
  /// Everything that is wanted now.
  package let downloads: Downloads
  let board: PullBoard

  /// Begins a run; `close` ends it.
  ///
  /// - Parameters:
  ///   - store: where images go.
  ///   - display: shows what happens.
  ///   - patience: seconds without progress after which another process's blob is taken over, and
  ///     the bytes per second that count as progress.
  ///   - plan: how each path's downloads are to be run.
  package init(
    store: ContentStore, display: any ProgressDisplay,
    patience: (seconds: Double, rate: Double) = Downloads.Limits.usualPatience,
    plan: @escaping Downloads.Planner
  ) {
    let board = PullBoard(display)
    self.board = board
    downloads = Downloads(
      store: store, limits: .ofMachine(patience: patience), plan: plan, tell: { board.show($0) })
  }

  /// Ends what is under way still; nothing is written or published after that.
  ///
  /// - Returns: what the downloads over each path were like.
  package func close() async -> [PullReport] { await downloads.close() }
}

extension Downloads.Limits {
  /// What this machine and process bear.
  ///
  /// - Parameter patience: seconds without progress after which another process's blob is taken
  ///   over, and the bytes per second that count as progress.
  package static func ofMachine(patience: (seconds: Double, rate: Double)) -> Downloads.Limits {
    var limits = Downloads.Limits(
      openBlobs: OpenFileBudget.ofProcess.blobs, hashing: min(4, Machine.effectiveCPUs))
    limits.stallTimeout = patience.seconds
    limits.minimumRate = patience.rate
    return limits
  }
}
