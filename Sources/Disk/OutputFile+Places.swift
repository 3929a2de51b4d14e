import Glibc

extension OutputFile {
  /// Whether two paths lead to one file, there or not yet; streams and devices are nobody's alone.
  package static func isSame(_ one: String, _ other: String) -> Bool {
    guard one != "-", other != "-",
      let (one, other) = (try? (PathWalk.place(one), PathWalk.place(other))),
      let name = one.name, name == other.name, !one.isMagic, !other.isMagic
    else { return false }
    var (first, second, there) = (stat(), stat(), stat())
    guard fstat(one.folder.number, &first) == 0, fstat(other.folder.number, &second) == 0,
      first.st_dev == second.st_dev, first.st_ino == second.st_ino
    else { return false }
    return fstatat(one.folder.number, name, &there, AT_SYMLINK_NOFOLLOW) != 0
      || there.kind == .regular
  }
}
