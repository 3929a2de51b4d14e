import Glibc
import Text

extension OutputFile {
  /// Whether two paths lead to one file, there or not yet; streams and devices are nobody's alone.
  package static func isSame(_ one: String, _ other: String) -> Bool {
    guard one != "-", other != "-",
      let (one, other) = (try? (PathWalk.place(one), PathWalk.place(other))),
      let name = one.name, name.exact == other.name?.exact, !one.isMagic, !other.isMagic
    else { return false }
    guard let first = one.folder.info, let second = other.folder.info, first.isSame(as: second)
    else { return false }
    var there = stat()
    return fstatat(one.folder.number, name, &there, AT_SYMLINK_NOFOLLOW) != 0
      || there.kind == .regular
  }
}
