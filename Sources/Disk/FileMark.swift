package import Glibc

/// What changes where a file's content does: while it is the same, so is the content.
///
/// Nobody can set the time of a file's last change of any kind (`ctime`), but root with the clock.
package struct FileMark: Hashable, Sendable {
  private let file: UInt64
  private let size: Int64
  private let modified: [Int]
  private let changed: [Int]

  /// Takes a file's; the number of its disk is not in it, which some change at each mount.
  package init(_ info: stat) {
    file = UInt64(info.st_ino)
    size = Int64(info.st_size)
    modified = [Int(info.st_mtim.tv_sec), Int(info.st_mtim.tv_nsec)]
    changed = [Int(info.st_ctim.tv_sec), Int(info.st_ctim.tv_nsec)]
  }

  /// Whether nothing was written since an earlier mark of the same open file, whatever number its
  /// file system gives it by now.
  package func isUnchanged(since other: FileMark) -> Bool {
    size == other.size && modified == other.modified && changed == other.changed
  }

  /// Whether only names were added or removed since an earlier mark.
  package func hasSameContent(as other: FileMark) -> Bool {
    file == other.file && size == other.size && modified == other.modified
  }

  /// For a record: a line.
  package var text: String {
    "cairn-mark 1 \(file) \(size) \(modified[0]).\(modified[1]) \(changed[0]).\(changed[1])\n"
  }
}
