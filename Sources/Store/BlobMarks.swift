import Disk
import FoundationEssentials
import Glibc
import OCI
import Synchronization

/// What published blobs were like when they were last known to be right: `.cairn/marks/<algorithm>-<hex>`.
///
/// A blob that is like its mark is not read again. A mark that is missing, torn or of another time
/// costs a second reading, never a wrong blob: others can write to a blob in place, through a hard
/// link of an output or with root's rights. Where the file system does not tell of every such
/// change, no mark is believed.
final class BlobMarks: Sendable {
  private let folder: Folder?
  /// What was found to be wrong by this process, so that it is read once.
  private let wrong = Mutex<[Digest: FileMark]>([:])

  /// Whether the disk tells of every change; nil: it was not asked yet.
  private let tells = Mutex<Bool?>(nil)

  private static let limit: Int64 = 256

  /// - Parameters:
  ///   - folder: of the marks; nil: none can be kept.
  ///   - store: the store's directory. In another user's store nobody's marks are believed.
  init(_ folder: Folder?, of store: Folder) {
    let isOurs = [geteuid(), 0].contains(store.info?.st_uid ?? .max)
    self.folder = isOurs ? folder : nil
  }

  private static func name(_ digest: Digest) -> String {
    "\(digest.algorithm.rawValue)-\(digest.hex)"
  }

  /// Whether a blob's file is as it was when it was right.
  ///
  /// - Parameter blobs: where it is.
  func knows(_ digest: Digest, _ mark: FileMark, in blobs: Folder) -> Bool {
    guard let folder, let bytes = try? folder.read(Self.name(digest), limit: Self.limit) else {
      return false
    }
    return bytes.elementsEqual(mark.text.utf8) && tellsOfChanges(blobs, folder)
  }

  private func tellsOfChanges(_ blobs: Folder, _ marks: Folder) -> Bool {
    // What was tried in one place is true of another on the same disk.
    guard let here = marks.info?.st_dev, here == blobs.info?.st_dev else { return false }
    return tells.withLock { known in
      if let known { return known }
      let found = marks.stampsMappedWrites
      known = found
      return found
    }
  }

  /// Whether a blob's file is as it was when it was wrong.
  func knowsWrong(_ digest: Digest, _ mark: FileMark) -> Bool {
    wrong.withLock { $0[digest] == mark }
  }

  /// Notes that a blob is right.
  func note(_ digest: Digest, _ mark: FileMark) {
    wrong.withLock { $0[digest] = nil }
    let name = Self.name(digest)
    // Never into what has the name: that may be another file's second one.
    try? folder?.remove(name)
    guard let folder, let file = try? OpenFile(name, in: folder, O_WRONLY | O_CREAT | O_EXCL) else {
      return
    }
    // Half a mark is none.
    try? file.writeAll(mark.text.utf8)
  }

  /// Notes that a blob is wrong.
  func noteWrong(_ digest: Digest, _ mark: FileMark) {
    wrong.withLock { $0[digest] = mark }
    try? folder?.remove(Self.name(digest))
  }

  /// Forgets a blob that is gone.
  func forget(_ digest: Digest) { try? folder?.remove(Self.name(digest)) }

  /// Removes the marks of blobs that are gone.
  func prune(keeping digests: Set<Digest>) {
    guard let folder else { return }
    let kept = Set(digests.map(Self.name))
    for name in folder.list() where !kept.contains(name) { try? folder.remove(name) }
  }
}
