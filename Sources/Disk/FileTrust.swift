import Glibc
import Text

/// Whose files may decide what this process does: its own user's and root's.
///
/// Root reads root's only: a `sudo` that keeps `HOME` would otherwise do with root's rights what
/// any user's file says.
///
/// Whoever owns a link, or a folder on the way, says what is found at the end. So links are judged as
/// files are, and below a home folders are, too, each as it is open, and what was judged is what is
/// read (`PathWalk`). The home itself is not, nor what is above it: where it is says the environment.
package struct FileTrust: Hashable, Sendable {
  /// Who asks.
  let user: uid_t
  /// The owner that files have whose owner does not exist in this user namespace; nil: all exist.
  let unmapped: uid_t?
  /// The folder below which folders are judged; nil: none is, where only root can have put any.
  var home: String?

  /// Of this process, for the machine's files and what somebody named.
  package static let process = FileTrust(
    user: LinkTrust.process.user, unmapped: LinkTrust.process.unmapped)

  /// Of this process, for what is looked for below a folder that the environment names.
  package static func below(_ home: String) -> FileTrust {
    var trust = process
    trust.home = home
    return trust
  }

  /// The same for what containers get from outside, as logins; nil: everybody's count.
  ///
  /// Into a home of this user or of root, that not everybody may write, only these two, or whoever
  /// made the container, have put anything.
  package static func ofGuests(in home: String) -> FileTrust? {
    guard let info = try? Files.target(home), process.owns(info), info.st_mode & S_IWOTH == 0
    else { return below(home) }
    return nil
  }

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

  func require(_ file: stat, _ path: String) throws(DiskError) {
    guard let (code, reason) = complaint(file) else { return }
    throw DiskError("read", path, code, reason: reason)
  }

  /// The beginning of a path that is not judged; nil: no folder is.
  func base(of path: String) -> String? {
    home.map { path.begins(with: $0 == "/" ? $0 : $0 + "/") ? $0 : "/" }
  }

  /// Opens a file for reading at the end of a way that is to be believed; the file is still to be judged.
  func open(_ path: String, _ flags: Int32) throws(DiskError) -> OpenDescriptor {
    do throws(DiskError) {
      let (place, judge) = try PathWalk.place(path, trust: self)
      guard let name = place.name else { throw DiskError("read", path, EISDIR) }
      if let number = OwnDescriptor.number(place) {
        try judge.end(path)
        return try OwnDescriptor.copy(of: number, "read", path)
      }
      let links = place.isMagic ? 0 : O_NOFOLLOW
      guard let opened = OpenDescriptor(name, at: place.folder.number, flags | links) else {
        throw .last("read", path)
      }
      try judge.end(path)
      return opened
    } catch {
      throw DiskError("read", path, error.code, reason: error.reason)
    }
  }

  /// Opens a folder that is to be believed.
  ///
  /// - Throws: `DiskError` with a reason: it is not; with the code `ENOENT` or `ENOTDIR`: there is none.
  package func folder(_ path: String) throws(DiskError) -> Folder {
    let (place, judge) = try PathWalk.place(path, trust: self, toLast: false)
    try judge.end(path)
    return Folder(place.folder, path: path)
  }
}
