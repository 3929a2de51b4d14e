import OCI
package import Store
import Synchronization

/// A blob on its way, as one of those who want it sees it.
///
/// Two who want the same blob, and believe each other, share one `SharedDownload`. When the last of them
/// is gone, that ends, and what arrived stays.
package final class Download: Sendable {
  let sharedID: DownloadID
  /// What the blob's files are called while it is on its way.
  let name: PartialName
  let wanter: WanterID
  private let board: DownloadBoard
  private let left: @Sendable () -> Void
  /// Says where it is read.
  private let reads: @Sendable (Int64) -> Void
  /// Where it was said last that it is read.
  private let saidAt = Mutex<Int64?>(nil)
  /// Bytes after which it is said again.
  private static let saidAgain: Int64 = 256 << 10
  /// The round of fetching that this one has read from; nil: it has read nothing.
  private let readRound = Mutex<Int?>(nil)
  /// True where it was under way already: what it costs is somebody else's.
  package let isShared: Bool

  init(
    _ shared: SharedDownload, wanter: WanterID, isShared: Bool,
    reads: @escaping @Sendable (Int64) -> Void, left: @escaping @Sendable () -> Void
  ) {
    board = shared.board
    sharedID = shared.id
    name = shared.name
    self.wanter = wanter
    self.isShared = isShared
    self.reads = reads
    self.left = left
  }

  /// One that is over before it began.
  init(ended wish: Wish, _ ending: DownloadBoard.Ending) {
    board = DownloadBoard(DownloadProgress(digest: wish.blob.digest, size: wish.blob.size))
    board.end(ending)
    (sharedID, wanter, isShared) = (DownloadID(number: 0), WanterID(number: 0), false)
    name = PartialName(wish.blob.digest)
    reads = { _ in }
    left = {}
  }

  deinit { left() }

  /// How it stands.
  package var progress: DownloadProgress { board.progress }

  /// Waits until it is published in the store.
  ///
  /// - Throws: why it is not; `stopped` where the task was cancelled.
  package func end() async throws(DownloadError) { try await board.wait() }

  /// Waits until more of the blob can be read: its first bytes, so many of which are on disk and hashed.
  ///
  /// That all of them are hashed does not say that the digest is right: `end` does.
  ///
  /// - Parameter offset: how many bytes the caller has.
  /// - Returns: how many can be read; no more than `offset` where the blob has no more.
  /// - Throws: why no more will come; `integrity` where bytes that were read turned out to be wrong
  ///   and are fetched again.
  package func prefix(beyond offset: Int64) async throws(DownloadError) -> Int64 {
    try await bytes(beyond: offset, takesUnhashed: false)
  }

  /// Waits until bytes are on disk from an offset on, wherever that is in the blob; they may turn
  /// out to be wrong.
  ///
  /// They are fetched before others that nobody waits for.
  ///
  /// - Parameter offset: of the first byte.
  /// - Returns: where the stretch ends that is there; no more than `offset` where the blob has no more.
  /// - Throws: why no more will come; `integrity` where what was read turned out to be wrong.
  package func stretch(from offset: Int64) async throws(DownloadError) -> Int64 {
    try await bytes(beyond: offset, takesUnhashed: true)
  }

  private func bytes(beyond offset: Int64, takesUnhashed: Bool) async throws(DownloadError) -> Int64
  {
    while true {
      let prefix = try await board.prefix(beyond: offset, takesUnhashed: takesUnhashed) {
        say(readingAt: offset)
      }
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

  private func say(readingAt offset: Int64) {
    let isNews = saidAt.withLock { said in
      if let known = said, (known..<known.addingClamped(Self.saidAgain)).contains(offset) {
        return false
      }
      said = offset
      return true
    }
    if isNews { reads(offset) }
  }

  /// What the blob's bytes are read from; those that `prefix` or `stretch` has promised, and no others.
  ///
  /// - Throws: why it failed; `stopped` where nothing of it is here.
  package func reader() throws(DownloadError) -> BlobReader {
    guard let reader = board.reader else { throw board.failure ?? .stopped }
    return reader
  }

  /// Waits until all of some downloads are published.
  ///
  /// - Returns: why one of them is not, which is said at once; nil: all are.
  package static func end(of downloads: [Download]) async -> DownloadError? {
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
