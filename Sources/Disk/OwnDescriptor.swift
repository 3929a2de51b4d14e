import Glibc
import Text

/// Paths that mean a descriptor which this process has already: `/dev/stdout`, `/dev/fd/63` of a
/// shell's `>(…)`.
///
/// To open them would be to open what stands behind them once more: a file from its beginning, a
/// pipe of another user's not at all.
enum OwnDescriptor {
  /// The descriptor that a path means by its text; nil: none.
  static func number(_ path: String) -> Int32? {
    switch path {
    case "-": return nil
    case "/dev/stdin": return STDIN_FILENO
    case "/dev/stdout": return STDOUT_FILENO
    case "/dev/stderr": return STDERR_FILENO
    default:
      for folder in ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"] {
        guard path.begins(with: folder) else { continue }
        return Int32(path.dropFirst(folder.count)).flatMap { $0 >= 0 ? $0 : nil }
      }
      return nil
    }
  }

  /// The descriptor that a link of `/proc` means; nil: that of another process.
  static func number(_ place: PathWalk.Place) -> Int32? {
    guard place.isMagic, let name = place.name, let number = Int32(name),
      let mine = OpenDescriptor("/proc/self/fd", at: AT_FDCWD, OpenDescriptor.pathOnly)?.info,
      let theirs = place.folder.info, mine.isSame(as: theirs)
    else { return nil }
    return number
  }

  /// A second descriptor of an open one, with the same position.
  static func copy(of number: Int32, _ action: String, _ path: String) throws(DiskError)
    -> OpenDescriptor
  {
    if let reason = StandardFiles.complaint(number) {
      throw DiskError(action, path, EBADF, reason: reason)
    }
    let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw .last(action, path) }
    return OpenDescriptor(copy)
  }
}
