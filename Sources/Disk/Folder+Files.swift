package import Glibc

extension Folder {
  /// Reads a file of this directory.
  ///
  /// - Parameters:
  ///   - limit: the most bytes that it may have.
  ///   - owner: whose file it must be; nil: anybody's.
  package func read(_ name: String, limit: Int64, owner: uid_t? = nil) throws(DiskError)
    -> [UInt8]
  {
    let file = try OpenFile(name, in: self, O_RDONLY)
    if let owner, file.info?.st_uid != owner { throw DiskError("read", path(of: name), EACCES) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = try file.read(into: &buffer)
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      guard bytes.count <= limit else { throw .tooLarge(path(of: name), limit: limit) }
    }
  }

  /// Puts a file in place so that a crash leaves the old or the new one, never a part.
  ///
  /// - Parameters:
  ///   - mode: of a new file, less the process's mask; one that replaces this user's keeps that one's.
  ///   - place: where it is until it is whole; nil: here. On another disk it is here, too.
  package func writeAtomically(
    _ name: String, _ bytes: some Collection<UInt8>, mode: mode_t, begunIn place: Folder? = nil
  ) throws(DiskError) {
    let temporary = Temporary(in: place ?? self)
    let file = try temporary.open(mode)
    if let old = info(name) { file.keepMode(of: old) }
    try file.writeAll(bytes)
    try file.sync()
    do throws(DiskError) { try temporary.take(name, in: self) } catch {
      guard place != nil, error.code == EXDEV else { throw error }
      return try writeAtomically(name, bytes, mode: mode)
    }
    try sync()
  }

  // MARK: Trees

  /// More directories within each other than anything of ours has.
  private static let mostDepth = 64

  /// Removes a file, or a directory and everything in it; links are removed, not followed.
  ///
  /// A directory is entered only where whoever could give it its name could also empty it: the
  /// owner of a folder can put another user's private directory under any name in it, and only we
  /// would be able to remove what is in there.
  package func removeTree(_ name: String) throws(DiskError) { try removeTree(name, depth: 0) }

  /// Removes everything in it; links are removed, not followed.
  package func empty() throws(DiskError) { try empty(depth: 0) }

  private func empty(depth: Int) throws(DiskError) {
    // What says that it is about to be removed goes last.
    for odd in oddlyNamed() { try removeTree(odd, depth: depth + 1) }
    for entry in list().reversed() { try removeTree(entry, depth: depth + 1) }
  }

  func removeTree(_ name: String, depth: Int) throws(DiskError) {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    guard let opened = OpenDescriptor(name, at: handle.number, flags) else {
      guard errno != ENOENT else { return }
      // No directory, or one that may not be read: perhaps it is empty.
      if unlinkat(handle.number, name, 0) == 0 { return }
      try removeEmpty(name)
      return
    }
    let inner = Folder(opened, path: path(of: name))
    guard depth < Self.mostDepth else {
      throw DiskError("remove", inner.path, ELOOP, reason: "it has too many directories within")
    }
    guard inner.list().isEmpty || isKeptFromOthers || isClosed && inner.info?.st_uid == info?.st_uid
    else {
      throw DiskError(
        "remove", inner.path, EPERM, reason: "another user may have put it where it is")
    }
    try inner.empty(depth: depth)
    try removeEmpty(name, inner)
  }

  /// Whether nobody but its owner and root can give names in it.
  private var isClosed: Bool { info?.isClosedToOthers ?? false }

  /// Whether nobody but this user and root can move what is ours in it.
  private var isKeptFromOthers: Bool {
    guard let info, [0, geteuid()].contains(info.st_uid) else { return false }
    return info.isClosedToOthers || info.st_mode & S_ISVTX != 0
  }

  /// Whether a name is that of an open directory.
  ///
  /// It is asked of what is open: some file systems give a name another number each time.
  package func has(_ name: String, _ directory: Folder) -> Bool {
    guard let named = (try? folder(name))?.info, let mine = directory.info else { return false }
    return named.isSame(as: mine)
  }

  /// Removes a directory that has nothing in it, if the name is still its own.
  func removeEmpty(_ name: String, _ directory: Folder) throws(DiskError) {
    if has(name, directory) { try removeEmpty(name) }
  }

  /// Removes a directory that has nothing in it.
  func removeEmptyFolder(_ name: String) { try? removeEmpty(name) }

  private func removeEmpty(_ name: String) throws(DiskError) {
    guard unlinkat(handle.number, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
      throw .last("remove", path(of: name))
    }
  }
}
