/// A blob on its way, as one of those who want it sees it.
///
/// Two who want the same blob share one transfer. When the last of them is gone, it retires, and what arrived stays.
public final class Download: Sendable {
  let transfer: Int
  let wanter: Int
  private let board: DownloadBoard
  private let left: @Sendable () -> Void
  /// True where it was under way already: what it costs is somebody else's.
  public let isShared: Bool

  init(
    _ transfer: Transfer, wanter: Int, isShared: Bool, left: @escaping @Sendable () -> Void
  ) {
    board = transfer.board
    self.transfer = transfer.id
    self.wanter = wanter
    self.isShared = isShared
    self.left = left
  }

  /// One that is over before it began.
  init(ended wish: Wish, _ ending: DownloadBoard.Ending) {
    board = DownloadBoard(DownloadProgress(digest: wish.blob.digest, size: wish.blob.size))
    board.end(ending)
    (transfer, wanter, isShared) = (0, 0, false)
    left = {}
  }

  deinit { left() }

  /// How it stands.
  public var progress: DownloadProgress { board.progress }

  /// Waits until it is published in the store.
  ///
  /// - Throws: why it is not; `stopped` where the task was cancelled.
  public func end() async throws(DownloadError) { try await board.wait() }

  /// Waits until all of some downloads are published.
  ///
  /// - Returns: why one of them is not, which is said at once; nil: all are.
  public static func end(of downloads: [Download]) async -> DownloadError? {
    await withTaskGroup(of: DownloadError?.self) { group in
      for download in downloads {
        group.addTask {
          do throws(DownloadError) {
            try await download.end()
            return nil
          } catch {
            return error
          }
        }
      }
      var first: DownloadError?
      for await failure in group where failure != nil && first == nil {
        first = failure
        group.cancelAll()
      }
      return first
    }
  }
}
