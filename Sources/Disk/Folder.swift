package import Glibc
import Text

/// A directory that is held open: what is done in it is done there, wherever its name leads by now.
///
/// Names are of one step and never followed where they are links.
package final class Folder: Sendable {
  let handle: OpenDescriptor
  /// As its user knows it; for words only.
  package let path: String

  init(_ handle: OpenDescriptor, path: String) {
    self.handle = handle
    self.path = path
  }

  /// Opens the directory that the user named; links are followed as `LinkTrust` says.
  ///
  /// - Parameters:
  ///   - path: its path.
  ///   - mode: of directories that are made where there is none; nil: none is made.
  package convenience init(_ path: String, making mode: mode_t? = nil) throws(DiskError) {
    self.init(try PathWalk.folder(path, making: mode), path: path)
  }

  /// Opens a directory below this one; where part of it is a link, that is an error.
  ///
  /// - Parameters:
  ///   - names: separated by slashes, none of them `..`.
  ///   - mode: of directories that are made where there is none; nil: none is made.
  package func folder(_ names: String, making mode: mode_t? = nil) throws(DiskError) -> Folder {
    var here = self
    for name in names.parts(at: "/") { here = try here.step(String(name), mode) }
    return here
  }

  private func step(_ name: String, _ mode: mode_t?) throws(DiskError) -> Folder {
    let path = path(of: name)
    if let mode, mkdirat(handle.number, name, mode) != 0, errno != EEXIST {
      let code = errno
      // Some refuse to make what is there already in other words than "it exists".
      guard info(name) != nil else { throw DiskError("make directory", path, code) }
    }
    let flags = OpenDescriptor.pathOnly | O_NOFOLLOW
    guard let opened = OpenDescriptor(name, at: handle.number, flags), let info = opened.info else {
      throw .last("open", path)
    }
    guard info.kind == .directory else {
      throw DiskError(
        "use", path, ENOTDIR,
        reason: info.kind == .link ? info.kind.words : "it is no directory")
    }
    return Folder(opened, path: path)
  }

  /// A name's path, for words.
  package func path(of name: String) -> String { path == "/" ? "/" + name : "\(path)/\(name)" }

  // MARK: Looking

  /// What `stat` says of a name, links themselves included; nil: nothing is there.
  package func info(_ name: String) -> stat? {
    var info = stat()
    return fstatat(handle.number, name, &info, AT_SYMLINK_NOFOLLOW) == 0 ? info : nil
  }

  /// What `stat` says of the directory itself.
  package var info: stat? { handle.info }

  /// Size of a regular file; nil where there is none.
  package func size(_ name: String) -> Int64? {
    guard let info = info(name), info.kind == .regular else { return nil }
    return Int64(info.st_size)
  }

  /// Whether it is another directory, or somewhere below it, by whatever path it was reached.
  package func isWithin(_ other: Folder) -> Bool {
    guard let wanted = other.info else { return false }
    var here = handle
    while let info = here.info {
      if info.isSame(as: wanted) { return true }
      guard
        let above = OpenDescriptor("..", at: here.number, OpenDescriptor.pathOnly | O_DIRECTORY),
        above.info.map({ !$0.isSame(as: info) }) ?? false
      else { return false }
      here = above
    }
    return false
  }

  /// The names in it, sorted; empty where they cannot be read.
  package func list() -> [String] {
    var names: [String] = []
    forEachName { names.append(String(cString: $0)) }
    return names.sorted()
  }

  /// Goes through the names in it, as the system has them; through none where they cannot be read.
  func forEachName(_ body: (UnsafePointer<CChar>) -> Void) {
    let opened = openat(handle.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { return }
    guard let directory = fdopendir(opened) else {
      close(opened)
      return
    }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          if strcmp(name, ".") != 0, strcmp(name, "..") != 0 { body(name) }
        }
      }
    }
  }

  /// Whether this user can make files in it; nil: yes, else the system's number.
  package var refusal: Int32? {
    faccessat(handle.number, ".", W_OK | X_OK, 0) == 0 ? nil : errno
  }

  /// Whether it has nothing in it; false also where that cannot be told.
  package var isEmpty: Bool {
    OpenDescriptor(".", at: handle.number, O_RDONLY | O_DIRECTORY) != nil && list().isEmpty
  }

  /// Whether the names in it can be listed.
  package var isReadable: Bool { faccessat(handle.number, ".", R_OK | X_OK, 0) == 0 }

  // MARK: Changing

  /// Makes the names in it survive a loss of power, where its file system can.
  package func sync() throws(DiskError) {
    if let opened = OpenDescriptor(".", at: handle.number, O_RDONLY | O_DIRECTORY),
      retrying({ fsync(opened.number) }) == 0
    {
      return
    }
    guard Shortcoming.directorySync.isMeant(by: errno) else { throw .last("sync", path) }
    FileSystemNotes.process.add(.directorySync, at: path)
  }

  /// Removes a file or a link, if it is there.
  package func remove(_ name: String) throws(DiskError) {
    guard unlinkat(handle.number, name, 0) == 0 || errno == ENOENT else {
      throw .last("remove", path(of: name))
    }
  }

  /// Gives a name that nobody has to something.
  ///
  /// - Throws: `DiskError` with the code `EXDEV` where it is on another file system.
  package func rename(_ name: String, to other: String, in folder: Folder? = nil)
    throws(DiskError)
  {
    let target = folder ?? self
    guard renameat(handle.number, name, target.handle.number, other) == 0 else {
      throw .last("write", target.path(of: other))
    }
  }

  /// Gives a file the name that another has, or nobody.
  ///
  /// - Parameter folder: where the name is; nil: here.
  package func replace(
    _ name: String, by temporary: String, in folder: Folder? = nil, action: String = "write"
  ) throws(DiskError) {
    let target = folder ?? self
    func moved() -> Bool { renameat(handle.number, temporary, target.handle.number, name) == 0 }
    if moved() { return }
    // A few can give a name only to what has none.
    guard errno == EEXIST else { throw .last(action, target.path(of: name)) }
    try target.remove(name)
    guard moved() else { throw .last(action, target.path(of: name)) }
  }

  /// Gives a file another name, if nothing has that.
  ///
  /// - Throws: `DiskError` with the code `EEXIST` where something has it.
  package func name(_ name: String, _ temporary: String) throws(DiskError) {
    // Unlike a change of its name, a second name is never that of something else before.
    if linkat(handle.number, temporary, handle.number, name, 0) == 0 {
      return try remove(temporary)
    }
    let isTaken = errno == EEXIST || info(name) != nil
    guard !isTaken else {
      throw DiskError(
        "write", path(of: name), EEXIST, reason: "something has come to be there meanwhile")
    }
    // Not every file system has second names.
    try rename(temporary, to: name)
  }

  /// A second name for a file of another directory; false where that cannot be.
  package func link(_ name: String, to other: String, of folder: Folder) -> Bool {
    linkat(folder.handle.number, other, handle.number, name, 0) == 0
  }
}
