import OCI
import Store

/// The downloads of everything that is wanted now: one for each blob, in each circle and with each size
/// that it is wanted with.
struct SharedDownloads {
  private var byID: [DownloadID: SharedDownload] = [:]
  private var bySpot: [Wish.Spot: [Int64: SharedDownload]] = [:]

  /// In no order.
  var all: some Collection<SharedDownload> { byID.values }

  var isEmpty: Bool { byID.isEmpty }

  subscript(id: DownloadID) -> SharedDownload? { byID[id] }

  subscript(key: Wish.Key) -> SharedDownload? { bySpot[key.spot]?[key.size] }

  /// Whether a blob is wanted in a circle, with whatever size.
  func has(_ spot: Wish.Spot) -> Bool { bySpot[spot] != nil }

  /// What the files of a download are called that there is not yet.
  ///
  /// The plain ones are the named circle's, and only one download at a time can have them: the first that
  /// comes while nobody has. Any other one under way expects another size of the blob, and has files of its
  /// own; those keep nobody from the plain ones, and from what is there already.
  func name(for wish: Wish) -> PartialName {
    let others = bySpot[wish.key.spot]?.values.map(\.name) ?? []
    let isPlain = wish.circle == .named && others.allSatisfy(\.isApart)
    return isPlain ? PartialName(wish.blob.digest) : .apart(wish.blob.digest)
  }

  /// Adds the download of a wish that has none.
  mutating func add(_ download: SharedDownload) {
    byID[download.id] = download
    let key = download.wish.key
    bySpot[key.spot, default: [:]][key.size] = download
  }

  mutating func remove(_ download: SharedDownload) {
    byID[download.id] = nil
    let key = download.wish.key
    bySpot[key.spot]?[key.size] = nil
    if bySpot[key.spot]?.isEmpty ?? false { bySpot[key.spot] = nil }
  }
}
