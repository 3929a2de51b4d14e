import OCI
import Registry
import Scheduling
import Store

/// A blob that is wanted, and where it is: one for all who want it and believe each other.
///
/// Belongs to the actor `Downloads`.
final class SharedDownload: Identifiable {
  let id: DownloadID
  let wish: Wish
  /// What its files are called.
  let name: PartialName
  /// What those who want it have brought.
  var lent: LentSources
  let pool: PathPool
  /// What everybody who wants it sees.
  let board: DownloadBoard
  /// Who wants it, and how soon.
  var wanters: [WanterID: Urgency] = [:]
  /// Where they read it, those who do.
  var positions: [WanterID: Int64] = [:]
  /// Which part of it they want, those who do not want all of it.
  var parts: [WanterID: Range<Int64>] = [:]
  /// What they read, in the order in which they came.
  var readers: [Range<Int64>] {
    positions.sorted { $0.key < $1.key }.map { wanter, position in
      position..<max(position, parts[wanter]?.upperBound ?? .max)
    }
  }
  /// Whether somebody reads a little of it, as those do who read here and there: by all that he wants, and
  /// not by what is left of it.
  var hasShortReaders: Bool { parts.values.contains { $0.count <= Self.shortRead } }
  private static let shortRead = 1 << 20
  /// How soon it is wanted by whoever wants it soonest.
  var urgency: Urgency { wanters.values.max() ?? .ahead }
  /// How soon all of it is wanted.
  var wholeUrgency: Urgency {
    wanters.lazy.filter { self.parts[$0.key] == nil }.map(\.value).max() ?? .spare
  }
  var partial: PartialBlob?
  /// Looks whether another process that fetches it gets on.
  var patience: Patience?
  var blob: BlobID?
  /// How often its bytes turned out to be wrong.
  var damages = 0
  var lastError: RegistryError?
  /// Bytes that were here before.
  var had: Int64 = 0
  var startedAt: Double?
  var endedAt: Double?
  var failure: DownloadError?

  init(
    id: DownloadID, _ wish: Wish, as name: PartialName, from source: BlobSource, over pool: PathPool
  ) {
    self.id = id
    self.wish = wish
    self.name = name
    lent = LentSources(source)
    self.pool = pool
    var progress = DownloadProgress(digest: wish.blob.digest, size: wish.blob.size)
    progress.number = id.number
    board = DownloadBoard(progress)
  }

  /// Whoever is asked for it first.
  var source: BlobSource { lent.current }
  var digest: Digest { wish.blob.digest }
  var size: Int64 { wish.blob.size }

  /// How it stands.
  var progress: DownloadProgress {
    get { board.progress }
    set { board.set(newValue) }
  }

  /// What it is to people.
  var label: String { "\(wish.label) \(digest.short)" }
}
