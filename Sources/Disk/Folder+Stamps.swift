import Glibc

/// Whether a file system tells that a file was written through a mapping.
extension Folder {
  /// Whether what is written through a mapping (`mmap`, `MAP_SHARED`) changes a file's times here,
  /// as a call of `write` does.
  ///
  /// Disks' file systems do so at the first write to each page, `tmpfs` only where the page was not
  /// read before, some of the network and of FUSE later or not at all, and `overlay` as what is
  /// below it. So it is tried with a file of one byte; where that fails, the answer is no.
  package var stampsMappedWrites: Bool {
    let temporary = Temporary(in: self)
    guard let file = try? temporary.open(0o600), (try? file.writeAll([0])) != nil,
      (try? file.sync()) != nil
    else { return false }
    // The clock of the file system has steps: a time that is long ago differs from any of now.
    let long = timespec(tv_sec: 1, tv_nsec: 0)
    guard futimens(file.descriptor, [long, long]) == 0, let before = file.info else { return false }
    // Populated: read.
    let flags = MAP_SHARED | MAP_POPULATE
    let bytes = mmap(nil, 1, PROT_READ | PROT_WRITE, flags, file.descriptor, 0)
    guard let bytes, bytes != MAP_FAILED else { return false }
    bytes.storeBytes(of: 1, as: UInt8.self)
    munmap(bytes, 1)
    guard let after = file.info else { return false }
    return !FileMark(after).isUnchanged(since: FileMark(before))
  }
}
