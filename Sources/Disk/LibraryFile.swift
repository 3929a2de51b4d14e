package import Glibc

/// A file that a library opens, and others beside it, by a path whose links it follows: SQLite's.
///
/// So what it opens need not be what was looked at, wherever another user can change the folder or
/// one above. Root does not use such a file: it could be led to any other.
package struct LibraryFile: Sendable {
  /// The folder that it is in.
  package let folder: Folder
  /// Its name there, which is no link.
  package let name: String
  /// Its path, without links where that is known.
  package let path: String

  /// Makes the folder where there is none, and finds out where the file is.
  ///
  /// - Parameters:
  ///   - path: as the user named it.
  ///   - mode: of folders that are made.
  /// - Throws: `DiskError` with the code `EPERM` where root should not use it.
  package init(_ path: String, making mode: mode_t) throws(DiskError) {
    // Nothing is made where it would not be used.
    var nearest = Files.parent(of: path)
    while !Files.isThere(nearest), nearest != "/", nearest != "." {
      nearest = Files.parent(of: nearest)
    }
    try Self.require(try Folder(nearest), isAbove: nearest != Files.parent(of: path), path)
    _ = try Folder(Files.parent(of: path), making: mode)
    let place = try PathWalk.place(path)
    guard let name = place.name, !place.isMagic else {
      throw DiskError("open", path, EINVAL, reason: FileKind.unknown.words)
    }
    folder = Folder(place.folder, path: Files.parent(of: path))
    self.name = name
    let real = folder.realPath
    self.path = real.map { Folder(place.folder, path: $0).path(of: name) } ?? path
    // Without a path that has no links nobody knows where the library is led.
    try Self.require(real == nil ? nil : folder, isAbove: false, path)
  }

  private static func require(_ folder: Folder?, isAbove: Bool, _ path: String) throws(DiskError) {
    guard FileTrust.process.user == 0 else { return }
    guard let folder, !folder.isOpenToOthers(isAbove: isAbove) else {
      throw DiskError(
        "use", path, EPERM, reason: "it is in a folder that another user can change")
    }
  }

  /// What root should not use of what has a name beside it, or its own; nil: all of it can be used.
  ///
  /// - Parameter name: of a file, or of nothing.
  package func complaint(_ name: String) -> String? {
    guard let info = folder.info(name) else { return nil }
    if info.kind != .regular { return FileKind.unknown.words }
    let trust = FileTrust.process
    guard trust.user == 0, !trust.owns(info) else { return nil }
    return "it belongs to another user (\(info.st_uid))"
  }
}

extension Folder {
  /// Its path, without links; nil where the kernel does not say, or it leads elsewhere by now.
  var realPath: String? {
    guard let path = Files.link("/proc/self/fd/\(handle.number)"),
      let named = OpenDescriptor(path, at: AT_FDCWD, OpenDescriptor.pathOnly)?.info,
      let mine = info,
      named.isSame(as: mine)
    else { return nil }
    return path
  }

  /// Whether another user than this one and root can make files in it, or give its name or that of
  /// a folder above to another folder.
  ///
  /// - Parameter isAbove: whether it is only above the folder that is meant.
  func isOpenToOthers(isAbove: Bool) -> Bool {
    var here = handle
    // In one like `/tmp` others cannot take our folders' names, but they can make files.
    var closing: mode_t = isAbove ? S_ISVTX : 0
    while let info = here.info {
      let isClosed = info.isClosedToOthers || info.st_mode & closing != 0
      guard FileTrust.process.owns(info), isClosed else { return true }
      closing = S_ISVTX
      guard
        let above = OpenDescriptor("..", at: here.number, OpenDescriptor.pathOnly | O_DIRECTORY),
        let outer = above.info
      else { return true }
      if outer.isSame(as: info) { return false }
      here = above
    }
    return true
  }

  /// Changes the mode of what has a name, if that is what is meant; false where it is not.
  ///
  /// - Parameter isMeant: asked of what is open by then: its name may be that of something else.
  package func setMode(_ mode: mode_t, of name: String, if isMeant: (stat) -> Bool) -> Bool {
    guard
      let opened = OpenDescriptor(name, at: handle.number, OpenDescriptor.pathOnly | O_NOFOLLOW),
      let info = opened.info, info.kind != .link, isMeant(info)
    else { return false }
    // Of what is only named by a descriptor no mode can be changed but by this way.
    return chmod("/proc/self/fd/\(opened.number)", mode) == 0
  }
}
