import Foundation
import Glibc

/// A disk of its own in memory, which can be filled up; as root alone.
package final class SmallDisk {
  private let folder: TemporaryFolder
  package let path: String

  /// - Parameter options: of tmpfs, `size=1m`, `nr_inodes=20`.
  /// - Returns: nil where nothing can be mounted.
  package init?(_ options: String) throws {
    folder = try TemporaryFolder()
    path = folder("disk")
    guard mkdir(path, 0o700) == 0, mount("none", path, "tmpfs", 0, "mode=0700,\(options)") == 0
    else { return nil }
  }

  deinit { umount2(path, 2) }
}
