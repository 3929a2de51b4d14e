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

  /// Takes all the room that a disk has, however much others take of it meanwhile.
  ///
  /// - Parameter file: made on that disk.
  package static func fill(with file: String) {
    let filler = open(file, O_WRONLY | O_CREAT, 0o600)
    let bytes = [UInt8](repeating: 1, count: 64 << 10)
    while write(filler, bytes, bytes.count) > 0 {}
    close(filler)
  }

  deinit { umount2(path, 2) }
}
