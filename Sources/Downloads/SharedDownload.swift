import OCI
import Registry
import Scheduling
import Store

/// A blob that is wanted, and where it is: one for all who want it and believe each other.
///
/// Belongs to the actor `Downloads`.
final class SharedDownload: Identifiable {
  let id: Int
  let wish: Wish
  /// What its files are called.
  let name: PartialName
  /// Whoever it is fetched from now: what one of those who want it has brought.
  var source: BlobSource
  let pool: PathPool
  /// What everybody who wants it sees.
  let board: DownloadBoard
  /// Who wants it, and how soon.
  var wanters: [Int: Urgency] = [:]
  /// What each of them has brought, with the credentials that are his.
  var sources: [Int: BlobSource] = [:]
  /// Who is asked in place of the source, where the one who brought that is gone; nil: he is not.
  var heir: BlobSource? {
    guard !sources.values.contains(where: { $0 === source }) else { return nil }
    // One of the same registry first: another one's bytes are not for those who read this one's.
    let alike = sources.filter { $0.value.registry == source.registry }
    return (alike.isEmpty ? sources : alike).min { $0.key < $1.key }?.value
  }
  /// Where they read it, those who do.
  var positions: [Int: Int64] = [:]
  /// The same, in the order in which they came.
  var readers: [Int64] { positions.sorted { $0.key < $1.key }.map(\.value) }
  /// How soon it is wanted by whoever wants it soonest.
  var urgency: Urgency { wanters.values.max() ?? .ahead }
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
    id: Int, _ wish: Wish, as name: PartialName, from source: BlobSource, over pool: PathPool
  ) {
    self.id = id
    self.wish = wish
    self.name = name
    self.source = source
    self.pool = pool
    var progress = DownloadProgress(digest: wish.blob.digest, size: wish.blob.size)
    progress.number = id
    board = DownloadBoard(progress)
  }

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
