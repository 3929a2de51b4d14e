import Glibc
import OCI

extension stat {
  /// Bytes on the disk, by the blocks of 512 that the file system claims.
  var allocatedBytes: Int64 { Swift.max(0, Int64(st_blocks)).multipliedClamped(by: 512) }
}
