package import Glibc

/// A regular file that is open, in a directory that is.
package final class OpenFile: Sendable {
  /// The open descriptor; its position is the file's own.
  package let descriptor: Int32
  /// Where it is.
  package let folder: Folder
  /// What it was opened as.
  package let name: String

  /// Its path, for words.
  package var path: String { folder.path(of: name) }

  /// Opens or makes a file.
  ///
  /// - Parameters:
  ///   - name: in the directory; where it is a link, a directory, a pipe or a device, that is an error.
  ///   - flags: of `open`.
  ///   - mode: of a new file, less the process's mask.
  package init(_ name: String, in folder: Folder, _ flags: Int32, _ mode: mode_t = 0o600)
    throws(DiskError)
  {
    self.name = name
    self.folder = folder
    // Whoever opens a pipe or a terminal must not wait for it, or become its owner.
    let kept = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
    let number = folder.handle.number
    descriptor = retrying { openat(number, name, flags | kept, mode) }
    let path = folder.path(of: name)
    guard descriptor >= 0 else {
      // The other end of a pipe, or a socket.
      guard errno == ENXIO, let kind = folder.info(name)?.kind else { throw .last("open", path) }
      throw DiskError("open", path, ENXIO, reason: kind.words)
    }
    guard let kind = info?.kind, kind != .regular else { return }
    throw DiskError("open", path, kind.code, reason: kind.words)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// What `fstat` says.
  package var info: stat? {
    var info = stat()
    return fstat(descriptor, &info) == 0 ? info : nil
  }

  /// What it is like now.
  package var mark: FileMark? { info.map { FileMark($0) } }

  /// True while its name is still that of this very file.
  package var isStillNamed: Bool {
    guard let mine = info, let named = folder.info(name) else { return false }
    return mine.isSame(as: named)
  }

  /// Whether it may be written in place: no other name leads to it, and it is this user's, or its directory's
  /// owner's.
  ///
  /// A file with a second name may be any of ours: whoever may write the directory has put it there.
  package var isOnlyHere: Bool {
    guard let mine = info, mine.st_nlink <= 1 else { return false }
    return mine.st_uid == geteuid() || mine.st_uid == folder.info?.st_uid
  }

  // MARK: Reading

  /// Reads on at the file's position; 0 at its end.
  package func read(into buffer: inout [UInt8]) throws(DiskError) -> Int {
    try buffer.withUnsafeMutableBufferPointer { (bytes) throws(DiskError) in
      try read(into: UnsafeMutableRawBufferPointer(bytes))
    }
  }

  /// Reads on at the file's position; 0 at its end.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(DiskError) -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      guard errno == EINTR else { throw .last("read", path) }
    }
  }

  // MARK: Writing

  /// Writes a whole buffer at an offset; 0 or an `errno`.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done,
        off_t(offset) + off_t(done))
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      // Nothing taken, and no reason given: again would be for ever.
      if count == 0 { return EIO }
      done += count
    }
    return 0
  }

  /// Writes at the file's position.
  package func writeAll(_ bytes: some Collection<UInt8>) throws(DiskError) {
    let array = ContiguousArray(bytes)
    try array.withUnsafeBufferPointer { (bytes) throws(DiskError) in
      try writeAll(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Writes at the file's position.
  package func writeAll(_ bytes: UnsafeRawBufferPointer) throws(DiskError) {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        throw .last("write", path)
      }
      guard count > 0 else { throw DiskError("write", path, EIO) }
      done += count
    }
  }

  /// Makes it that long.
  package func cut(to size: Int64) throws(DiskError) {
    guard ftruncate(descriptor, off_t(size)) == 0 else { throw .last("write", path) }
  }

  /// Waits until the data is on the disk, where its file system can.
  package func sync() throws(DiskError) {
    guard retrying({ fdatasync(descriptor) }) != 0 else { return }
    guard Shortcoming.fileSync.isMeant(by: errno) else { throw .last("sync", path) }
    FileSystemNotes.process.add(.fileSync, at: folder.path)
  }

  /// Sets the mode, where the file system has any.
  package func setMode(_ mode: mode_t) { fchmod(descriptor, mode) }

  /// Takes over the mode of the file that it is to replace, if that mode was this user's choice.
  ///
  /// Of a file that another user made, or gave a second name to, he has said who may write it: ours in
  /// its place is as any new one.
  func keepMode(of old: stat) {
    guard old.kind == .regular, old.st_uid == geteuid(), old.st_nlink == 1 else { return }
    setMode(old.st_mode & 0o777)
  }

  /// `FICLONE` of linux/fs.h: shares the blocks of a file until one side is written; false where
  /// that cannot be.
  package func shareBlocks(of other: OpenFile) -> Bool {
    ioctl(descriptor, 0x4004_9409, other.descriptor) == 0
  }

  /// Copies bytes from the same place of another file.
  package func copy(_ range: Range<Int64>, from other: OpenFile) throws(DiskError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    defer { buffer.deallocate() }
    var offset = range.lowerBound
    while offset < range.upperBound {
      let wanted = Int(min(Int64(buffer.count), range.upperBound - offset))
      let count = pread(other.descriptor, buffer.baseAddress, wanted, off_t(offset))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw count < 0 ? .last("read", other.path) : DiskError("read", other.path, EIO)
      }
      let code = write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: offset)
      guard code == 0 else { throw DiskError("write", path, code) }
      offset += Int64(count)
    }
  }

  /// Whether its file system takes files of a size.
  ///
  /// Nothing is written, but the file's position moves.
  package func takes(_ size: Int64) -> Bool {
    // `lseek` refuses what lies beyond the largest size. Where it refuses 0, too, its refusal says
    // nothing about sizes.
    if lseek(descriptor, off_t(size), SEEK_SET) >= 0 { return true }
    guard [EINVAL, EFBIG, EOVERFLOW].contains(errno) else { return true }
    return lseek(descriptor, 0, SEEK_SET) < 0
  }
}
