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
    // Only root makes devices, and everybody may write `/dev/null`.
    guard file.kind != .characterDevice else { return nil }
    guard owns(file) else { return (EPERM, "it belongs to another user (\(file.st_uid))") }
    // In a directory like `/tmp` everybody has only what is his own.
    let isShared = file.kind == .directory && file.st_mode & S_ISVTX != 0
    return file.st_mode & S_IWOTH == 0 || isShared ? nil : (EACCES, "everybody may write it")
  }

  /// Whether something is this user's or root's.
  func owns(_ file: stat) -> Bool {
    file.st_uid == user || file.st_uid == 0 || file.st_uid == unmapped
  }

  /// Why what a path leads to is not to be believed: it, the link that leads to it, or the directory
  /// that it is in is somebody else's; nil: it is, or nothing is there.
  package func complaint(_ path: String) -> String? {
    guard let link = Files.info(path), let file = try? Files.target(path) else { return nil }
    if link.kind == .link, !owns(link) { return complaint(link)?.reason }
    let folder = try? Files.target(Files.parent(of: path))
    return (complaint(file) ?? folder.flatMap { complaint($0) })?.reason
  }

  func require(_ file: stat, _ path: String) throws(DiskError) {
    guard let (code, reason) = complaint(file) else { return }
    throw DiskError("read", path, code, reason: reason)
  }
}
