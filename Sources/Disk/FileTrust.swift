import Glibc

/// Whose files may decide what this process does: its own user's and root's.
///
/// Root reads root's only: a `sudo` that keeps `HOME` would otherwise do with root's rights what
/// any user's file says.
package struct FileTrust: Sendable {
  /// Who asks.
  let user: uid_t
  /// The owner that files have whose owner does not exist in this user namespace; nil: all exist.
  let unmapped: uid_t?

  /// Of this process.
  package static let process = FileTrust(
    user: LinkTrust.process.user, unmapped: LinkTrust.process.unmapped)

  /// Why a file is not to be believed: `EPERM` where it is another user's, `EACCES` where everybody
  /// may write it; nil: it is.
  func complaint(_ file: stat) -> (code: Int32, reason: String)? {
    // Of pipes and devices nothing is kept.
    guard file.kind == .regular else { return nil }
    guard owns(file) else { return (EPERM, "it belongs to another user (\(file.st_uid))") }
    return file.st_mode & S_IWOTH == 0 ? nil : (EACCES, "everybody may write it")
  }

  /// Whether something is this user's or root's.
  func owns(_ file: stat) -> Bool {
    file.st_uid == user || file.st_uid == 0 || file.st_uid == unmapped
  }

  func require(_ file: stat, _ path: String) throws(DiskError) {
    guard let (code, reason) = complaint(file) else { return }
    throw DiskError("read", path, code, reason: reason)
  }
}
