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
      guard bytes.count <= limit else { throw DiskError("read", path(of: name), EFBIG) }
    }
  }

  /// Puts a file in place so that a crash leaves the old or the new one, never a part.
  ///
  /// - Parameters:
  ///   - mode: of a new file, less the process's mask; one that replaces another keeps that one's.
  package func writeAtomically(_ name: String, _ bytes: some Collection<UInt8>, mode: mode_t)
    throws(DiskError)
  {
    let temporary = Temporary(in: self)
    let file = try temporary.open(mode)
    if let old = info(name), old.kind == .regular {
      file.setMode(old.st_mode & 0o777)
    }
    try file.writeAll(bytes)
    try file.sync()
    try temporary.take(name)
    try sync()
  }

  // MARK: Trees

  /// More directories within each other than anything of ours has.
  private static let mostDepth = 64

  /// Removes a file, or a directory and everything in it; links are removed, not followed.
  package func removeTree(_ name: String) throws(DiskError) { try removeTree(name, depth: 0) }

  private func removeTree(_ name: String, depth: Int) throws(DiskError) {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    guard let opened = Descriptor(name, at: handle.number, flags) else {
      guard errno != ENOENT else { return }
      // No directory, or one that may not be read: perhaps it is empty.
      if unlinkat(handle.number, name, 0) == 0 { return }
      try removeEmpty(name)
      return
    }
    guard depth < Self.mostDepth else {
      throw DiskError("remove", path(of: name), ELOOP, reason: "it has too many directories within")
    }
    let folder = Folder(opened, path: path(of: name))
    // What says that it is about to be removed goes last.
    for entry in folder.list().reversed() { try folder.removeTree(entry, depth: depth + 1) }
    try removeEmpty(name)
  }

  /// Removes a directory that has nothing in it.
  func removeEmptyFolder(_ name: String) { try? removeEmpty(name) }

  private func removeEmpty(_ name: String) throws(DiskError) {
    guard unlinkat(handle.number, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
      throw .last("remove", path(of: name))
    }
  }
}
