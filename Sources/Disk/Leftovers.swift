import Glibc

/// What killed processes were about to give a name, and nobody else would ever remove.
///
/// Whoever writes such a thing has it locked, as long as it lives. So what is of this user, has
/// such a name, can be locked and was not touched for a while is nobody's. A directory must say by
/// `Temporary.mark` that it itself is not whole, and be closed to others: whoever may change the
/// folder around it can give any name to any directory in it, also to one that only we could empty,
/// and whoever may change the directory can put any file of ours where the mark is.
package enum Leftovers {
  /// Seconds for which something may have no lock yet, or be a second name of a file that never has one.
  package static let grace = 60

  /// Removes what is left in a directory; what cannot be removed stays.
  ///
  /// - Parameter grace: seconds since the last change of what is removed.
  package static func clear(in folder: Folder, grace: Int = grace) {
    let latest = time(nil) - grace
    for name in folder.list() where Temporary.isOne(name) { clear(name, in: folder, latest) }
  }

  private static func clear(_ name: String, in folder: Folder, _ latest: Int) {
    // The time is that of the last change of any kind, which nobody can set.
    guard let info = folder.info(name), info.st_uid == geteuid(), info.st_ctim.tv_sec < latest
    else { return }
    switch info.kind {
    case .regular:
      guard let file = locked(name, in: folder) else { return }
      if file.isStillNamed { try? folder.remove(name) }
    case .directory:
      guard let inner = try? folder.folder(name), let found = inner.info, found.isSame(as: info)
      else { return }
      if inner.isEmpty {
        folder.removeEmptyFolder(name)
      } else if found.isClosedToOthers,
        let mark = locked(Temporary.mark, in: inner), mark.isStillNamed,
        says(mark, Temporary.words(of: inner))
      {
        try? inner.empty()
        try? folder.removeEmpty(name, inner)
      }
    default: return
    }
  }

  private static func says(_ mark: OpenFile, _ words: [UInt8]?) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 100)
    guard let count = try? mark.read(into: &bytes) else { return false }
    return Array(bytes[..<count]) == words
  }

  /// A file of this user that nobody else has locked; nil where that cannot be told.
  private static func locked(_ name: String, in folder: Folder) -> OpenFile? {
    // NFS locks only what is open for writing; what is not for writing is opened for reading.
    let opened =
      (try? OpenFile(name, in: folder, O_RDWR)) ?? (try? OpenFile(name, in: folder, O_RDONLY))
    guard let file = opened, file.info?.st_uid == geteuid(), file.isLockedQuietly() else {
      return nil
    }
    return file
  }
}
