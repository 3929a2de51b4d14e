import Glibc

extension OutputFile {
  /// How long others may take, in seconds.
  private static let turn = 60.0

  /// Changes a file that other processes change as well: each begins with what the one before it has left.
  ///
  /// ```
  /// nothing there -> made      unless another has made it meanwhile: then it is there
  /// there -> locked -> replaced        unless another has replaced it before it was locked: then once more
  /// ```
  /// The lock is of the file itself, so that nothing stays beside it. What keeps nothing is written as it is.
  ///
  /// - Parameters:
  ///   - path: as the user named it.
  ///   - limit: the most bytes that it may have.
  ///   - tell: told what is waited for.
  ///   - change: what it is to have, after what it has; nil: there is none.
  /// - Throws: `DiskError`, or what the change throws.
  package static func update(
    _ path: String, limit: Int, tell: (String) -> Void, _ change: ([UInt8]?) throws -> [UInt8]
  ) throws {
    func write(_ bytes: [UInt8], replaces: Bool) throws {
      let output = try OutputFile(path, replaces: replaces, tell: tell)
      try output.write(bytes)
      try output.finish()
    }
    while true {
      switch try check(path) {
      case .stream: return try write(try change(nil), replaces: true)
      case .nothing:
        let bytes = try change(nil)
        do { return try write(bytes, replaces: false) } catch let error as DiskError {
          guard error.code == EEXIST else { throw error }
        }
      case .file:
        let place = try PathWalk.place(path)
        guard let name = place.name,
          let file = try present(name, Folder(place.folder, path: Files.parent(of: path)))
        else { continue }
        try file.waitForLock(seconds: turn, tell: tell)
        guard file.isStillNamed else { continue }
        let bytes = try file.folder.read(name, limit: Int64(limit))
        try write(try change(bytes), replaces: true)
        return withExtendedLifetime(file) {}
      }
    }
  }

  /// Opens what is there; nil: it is gone.
  private static func present(_ name: String, _ folder: Folder) throws(DiskError) -> OpenFile? {
    do throws(DiskError) {
      // NFS locks only what is open for writing; a file that is only replaced may be locked all the same.
      if let file = try? OpenFile(name, in: folder, O_RDWR) { return file }
      return try OpenFile(name, in: folder, O_RDONLY)
    } catch {
      guard error.code == ENOENT else { throw error }
      return nil
    }
  }
}
