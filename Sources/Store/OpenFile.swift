import Glibc

/// An open file descriptor that closes itself.
final class OpenFile: Sendable {
  let descriptor: Int32
  let path: String

  init(_ path: String, _ flags: Int32, _ mode: mode_t = 0o600) throws(StoreError) {
    descriptor = Files.retrying { open(path, flags | O_CLOEXEC, mode) }
    self.path = path
    guard descriptor >= 0 else { throw Files.failed("open", path) }
  }

  /// Takes a second descriptor of an open one.
  init(duplicating other: Int32, named path: String) throws(StoreError) {
    descriptor = fcntl(other, F_DUPFD_CLOEXEC, 3)
    self.path = path
    guard descriptor >= 0 else { throw Files.failed("open", path) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Takes the lock of the file; false when another process or handle has it.
  ///
  /// Where the file system has no locks, nobody can have it: that is noted, and everybody goes on.
  func lock(exclusive: Bool, wait: Bool) throws(StoreError) -> Bool {
    let operation = (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB)
    guard Files.retrying({ flock(descriptor, operation) }) != 0 else { return true }
    if errno == EWOULDBLOCK { return false }
    guard Shortcoming.locks.isMeant(by: errno) else { throw Files.failed("lock", path) }
    FileSystemNotes.process.add(.locks, at: Files.parent(of: path))
    return true
  }

  /// True while the path still names this very file.
  var isStillNamed: Bool {
    var mine = stat()
    guard fstat(descriptor, &mine) == 0, let named = Files.info(path) else { return false }
    return mine.st_ino == named.st_ino && mine.st_dev == named.st_dev
  }

  /// Writes a whole buffer at an offset; 0 or an `errno`.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
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

  /// Appends at the file's position.
  func writeAll(_ bytes: some Collection<UInt8>) throws(StoreError) {
    let array = ContiguousArray(bytes)
    var done = 0
    while done < array.count {
      let count = array.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        // Whoever started us may have left standard output in this state.
        if errno == EAGAIN {
          var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&waiting, 1, -1)
          continue
        }
        throw Files.failed("write", path)
      }
      guard count > 0 else { throw .system(action: "write", path: path, errno: EIO) }
      done += count
    }
  }

  /// Waits until the data is on the disk, where its file system can.
  func sync() throws(StoreError) {
    guard Files.retrying({ fdatasync(descriptor) }) != 0 else { return }
    guard Shortcoming.fileSync.isMeant(by: errno) else { throw Files.failed("sync", path) }
    FileSystemNotes.process.add(.fileSync, at: Files.parent(of: path))
  }
}
