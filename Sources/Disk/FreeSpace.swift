import Glibc
import Text

/// What a file system says of its room, which is not always anything.
///
/// Network and FUSE file systems answer `statvfs` with zeros where they have no idea (rclone#2356),
/// BSD servers with less than nothing where the root's reserve is touched. Whoever does not say how
/// much room there is, is not full: writing will tell.
package enum FreeSpace {
  /// Bytes that this user can still write to the file system of a path; nil where it does not say.
  package static func bytes(at path: String) -> Int64? {
    var info = statvfs()
    guard statvfs(path, &info) == 0 else { return nil }
    return bytes(
      blocks: UInt64(info.f_blocks), available: UInt64(info.f_bavail),
      fragment: UInt64(info.f_frsize), block: UInt64(info.f_bsize))
  }

  /// Reads the numbers of a `statvfs`.
  ///
  /// - Parameters:
  ///   - blocks: how many there are in all.
  ///   - available: how many this user may still have.
  ///   - fragment: bytes of each.
  ///   - block: bytes of each, where `fragment` is zero.
  /// - Returns: nil where the numbers make no sense.
  package static func bytes(blocks: UInt64, available: UInt64, fragment: UInt64, block: UInt64)
    -> Int64?
  {
    let unit = fragment > 0 ? fragment : block
    // Less than nothing is a large number here.
    guard blocks > 0, available <= blocks, unit > 0 else { return nil }
    let (product, overflow) = available.multipliedReportingOverflow(by: unit)
    return overflow ? .max : Int64(clamping: product)
  }

  /// Whether the file system of a path, which need not be there yet, can keep no more files.
  package static func isOutOfFiles(at path: String) -> Bool {
    var info = statvfs()
    var path = path
    while statvfs(path, &info) != 0 {
      guard errno == ENOENT, path.has("/"), path.exact != "/".exact else { return false }
      path = Files.parent(of: path)
    }
    // One that counts none, as btrfs does, says nothing.
    return info.f_files > 0 && info.f_favail == 0
  }
}
