import Glibc

/// Gives a blob of the store a second place without copying bytes, where the file system can.
enum FileCopy {
  /// `FICLONE` of linux/fs.h: shares the blocks until one side is written.
  private static let ficlone: UInt = 0x4004_9409

  /// Smaller files are copied: a link would save nothing worth sharing the store's file for.
  private static let linkedBytes: Int64 = 1 << 20

  /// Puts the content of `source` at `target`: a reflink, else a hard link, else a copy.
  ///
  /// - Throws: `StoreError`; what stood at `target` is still there then.
  static func place(_ source: String, at target: String, mode: mode_t = 0o644) throws(StoreError) {
    let temporary = Files.temporaryName(beside: target)
    do throws(StoreError) {
      try fill(temporary, from: source, mode)
      try Files.replace(target, by: temporary)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func fill(_ target: String, from source: String, _ mode: mode_t) throws(StoreError)
  {
    let from = try OpenFile(source, O_RDONLY | O_NOFOLLOW)
    let to = try OpenFile(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
    if ioctl(to.descriptor, ficlone, from.descriptor) != 0 {
      if (Files.size(source) ?? 0) >= linkedBytes {
        let link = target + ".link"
        if Glibc.link(source, link) == 0 {
          try Files.replace(target, by: link)
          return
        }
      }
      try copy(from, to)
    }
    try to.sync()
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
