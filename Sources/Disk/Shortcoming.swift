import Glibc

/// Something that a file system cannot do, though it keeps files all the same.
///
/// Network, FUSE and virtual machines' shared file systems lack parts of what POSIX asks for. A
/// store on them works as far as it can, and says once what its user has to do without. An error
/// that means a broken disk (`EIO`, `ENOSPC`) is never one of these.
package enum Shortcoming: CaseIterable, Hashable {
  /// Directories are not synced (CIFS, vboxsf, some of FUSE; borg#1287).
  case directorySync
  /// Nor are files.
  case fileSync
  /// Nobody can be kept out (NFS without its lock service, Lustre without `flock`, some of FUSE).
  case locks

  /// Whether an `errno` of that call means that the file system cannot do it at all.
  package func isMeant(by code: Int32) -> Bool {
    switch self {
    case .directorySync:
      // A directory that cannot be opened for reading, or not at all, cannot be synced either.
      [EINVAL, ENOTSUP, ENOSYS, EBADF, EACCES, EPERM, EISDIR, ENOTTY].contains(code)
    case .fileSync: [EINVAL, ENOTSUP, ENOSYS].contains(code)
    // NFS makes locks of whole files into such of byte ranges, which want a descriptor for writing.
    case .locks: [ENOLCK, ENOSYS, ENOTSUP, EINVAL, EBADF, ENOTTY].contains(code)
    }
  }

  /// What that means for whoever uses it.
  package func words(_ path: String) -> String {
    switch self {
    case .directorySync:
      "the file system of \(path) does not sync directories: a loss of power may undo what was just written"
    case .fileSync:
      "the file system of \(path) does not sync files: a loss of power may cost what was just written"
    case .locks:
      "the file system of \(path) has no locks: nothing else should write there at the same time"
    }
  }
}
