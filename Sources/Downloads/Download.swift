public import Store
import Synchronization

/// A blob on its way, as one of those who want it sees it.
///
/// Two who want the same blob share one transfer. When the last of them is gone, it retires, and what arrived stays.
public final class Download: Sendable {
  let transfer: Int
  let wanter: Int
  private let board: DownloadBoard
  private let left: @Sendable () -> Void
  /// The round of fetching that this one has read from; nil: it has read nothing.
  private let readRound = Mutex<Int?>(nil)
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

  /// Waits until more of the blob can be read: its first bytes, so many of which are on disk and hashed.
  ///
  /// That all of them are hashed does not say that the digest is right: `end` does.
  ///
  /// - Parameter offset: how many bytes the caller has.
  /// - Returns: how many can be read; no more than `offset` where the blob has no more.
  /// - Throws: why no more will come; `integrity` where bytes that were read turned out to be wrong and are fetched again.
  public func prefix(beyond offset: Int64) async throws(DownloadError) -> Int64 {
    while true {
      let prefix = try await board.prefix(beyond: offset)
      let round = readRound.withLock { round in
        if prefix.end > offset { round = round ?? prefix.round }
        return round
      }
      guard round == nil || round == prefix.round else {
        throw .integrity("\(board.progress.digest) arrived damaged while it was read")
      }
      if prefix.end > offset || prefix.isWhole { return prefix.end }
    }
  }

  /// What the blob's first bytes are read from; those that `prefix` has promised, and no others.
  ///
  /// - Throws: `stopped` where nothing of it is here.
  public func reader() throws(DownloadError) -> BlobReader {
    guard let reader = board.reader else { throw .stopped }
    return reader
  }

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
