/// What can go wrong with the store or an output, and on which path.
package enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A system call failed.
  case system(action: String, path: String, errno: Int32)
  /// There is not enough room; how much there is, the file system may not say.
  case noSpace(path: String, needed: Int64, free: Int64?)
  /// The file system can keep no more files, whatever room it has.
  case noMoreFiles(action: String, path: String)
  /// The store was written by a later version of Cairn.
  case newerVersion(path: String, found: String)
  /// A directory is there but is no image layout.
  case notALayout(path: String)
  /// A layout's index is empty or something else.
  case noIndex(path: String)
  /// The layout's index cannot be written.
  case badIndex(path: String, reason: String)
  /// Another process uses the store in a way that excludes this one.
  case inUse(path: String)
  /// A blob's content has another digest or size than its name says.
  case wrongContent(expected: Digest, found: String)
  /// An image's manifest is damaged, so nobody knows which blobs it needs.
  case unreadableImage(name: String)
  /// An output exists already.
  case outputExists(path: String)
  /// An output description cannot be understood or does not fit the image.
  case badOutput(String)
  /// Something is in the way that is not touched, or something waited for did not come; a sentence.
  case refused(String)
  /// Another process went on with a blob in our place, because nothing came here any more.
  case takenOver
  /// The task was cancelled.
  case interrupted

  /// The disk's error as one of the store's.
  init(_ error: DiskError) {
    if error.isInterruption {
      self = .interrupted
    } else if error.reason != nil {
      self = .refused(error.description)
    } else if error.code == ENOSPC, FreeSpace.isOutOfFiles(at: error.path) {
      self = .noMoreFiles(action: error.action, path: error.path)
    } else {
      self = .system(action: error.action, path: error.path, errno: error.code)
    }
  }

  /// One sentence, with the path.
  package var description: String {
    switch self {
    case .system(let action, let path, let errno):
      return "cannot \(action) \(path): \(DiskError.words(errno))"
    case .noSpace(let path, let needed, let free):
      let left = free.map { ", \(ByteCount.text($0)) free" } ?? ""
      return "not enough space in \(path): \(ByteCount.text(needed)) needed\(left)"
    case .noMoreFiles(let action, let path):
      return "cannot \(action) \(path): the file system can keep no more files (no inodes are left)"
    case .newerVersion(let path, let found):
      return "the store \(path) has format \(found.shownSafely(limit: 20)), made by a later cairn; "
        + "this one knows format \(ContentStore.formatVersion)"
    case .notALayout(let path):
      return "\(path) exists but is no OCI image layout"
    case .noIndex(let path):
      return "\(path) cannot be read: it is no OCI index"
    case .badIndex(let path, let reason):
      return "\(path) cannot be written: \(reason.shownSafely(limit: 200))"
    case .inUse(let path):
      return "another cairn is using the store \(path); try again when it has ended"
    case .wrongContent(let expected, let found):
      return "content of \(expected) is wrong: \(found)"
    case .unreadableImage(let name):
      return
        "the manifest of \(name.shownSafely(limit: 300)) cannot be read, so nothing is removed; "
        + "\"cairn store verify --repair\" fetches it again"
    case .outputExists(let path):
      return "\(path) exists already; add --overwrite to replace it"
    case .badOutput(let reason), .refused(let reason):
      return reason
    case .takenOver:
      return "another process has taken over what was fetched"
    case .interrupted:
      return "interrupted"
    }
  }

  /// True where this user cannot write there, or nobody can.
  package var isUnwritable: Bool {
    if case .system(_, _, let errno) = self {
      [EROFS, EACCES, EPERM].contains(errno)
    } else {
      false
    }
  }

  /// True where no store is, and this user can make none.
  package var isUnmakeable: Bool {
    if case .system("make directory", _, _) = self { isUnwritable } else { false }
  }

  /// What room is lacking, where that is it.
  package enum Lack: Sendable {
    /// The disk is full.
    case space
    /// There are as many files as the file system can have.
    case files
    /// What this user, or a project, may have is used up, whatever is free.
    case quota
    /// A file may not be as large.
    case fileSize
  }

  /// What room is lacking; nil: something else is wrong.
  package var lack: Lack? {
    switch self {
    case .noSpace, .system(_, _, ENOSPC): .space
    case .noMoreFiles: .files
    case .system(_, _, EDQUOT): .quota
    case .system(_, _, EFBIG): .fileSize
    default: nil
    }
  }
}

import Disk
import Glibc
package import OCI

/// Takes a step on the disk; its error is one of the store's.
func disk<Value>(_ step: @autoclosure () throws(DiskError) -> Value) throws(StoreError) -> Value {
  do throws(DiskError) { return try step() } catch { throw StoreError(error) }
}

/// Ends what takes long where the task was cancelled.
func checkInterruption() throws(StoreError) {
  guard !Task.isCancelled else { throw .interrupted }
}
