import Glibc

/// Gives a blob of the store a second place without copying bytes, where the file system can.
enum FileCopy {
  /// `FICLONE` of linux/fs.h: shares the blocks until one side is written.
  private static let ficlone: UInt = 0x4004_9409

  /// Puts the content of `source` at `target`: a reflink, else a hard link, else a copy.
  ///
  /// - Throws: `StoreError`; nothing is left at `target` then.
  static func place(_ source: String, at target: String, mode: mode_t = 0o644) throws(StoreError) {
    try Files.remove(target)
    let from = try OpenFile(source, O_RDONLY | O_NOFOLLOW)
    do throws(StoreError) {
      let to = try OpenFile(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
      if ioctl(to.descriptor, ficlone, from.descriptor) == 0 { return }
      // A link shares the store's file, so it is made only where no second copy can be had for free.
      let temporary = target + ".link"
      if link(source, temporary) == 0 {
        guard rename(temporary, target) == 0 else { throw Files.failed("write", target) }
        return
      }
      try copy(from, to)
    } catch {
      unlink(target)
      throw error
    }
  }

  private static func copy(_ from: OpenFile, _ to: OpenFile) throws(StoreError) {
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let count = read(from.descriptor, &buffer, buffer.count)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw Files.failed("read", from.path)
      }
      try to.writeAll(buffer[..<count])
    }
  }
}
