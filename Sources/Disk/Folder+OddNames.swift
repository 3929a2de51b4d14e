package import Glibc

/// Names that are no UTF-8: the system's are bytes, and a `String` cannot say all of them.
extension Folder {
  /// Something in a directory that has such a name.
  package struct OddlyNamed {
    /// What `stat` says of it, of a link itself.
    package let info: stat
    fileprivate let name: [CChar]

    /// For words: what is no UTF-8 in it is a replacement character.
    fileprivate var shown: String {
      String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// What has such a name in it; `list` has others in their place, which are nothing's.
  package func oddlyNamed() -> [OddlyNamed] {
    var found: [OddlyNamed] = []
    forEachName { name in
      guard String(validatingCString: name) == nil else { return }
      var info = stat()
      guard fstatat(handle.number, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else { return }
      found.append(
        OddlyNamed(
          info: info, name: Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))))
    }
    return found
  }

  /// Removes what has such a name, as `removeTree` does; where that is refused, it has its name again.
  package func removeTree(_ one: OddlyNamed) throws(DiskError) { try removeTree(one, depth: 0) }

  func removeTree(_ one: OddlyNamed, depth: Int) throws(DiskError) {
    let sayable = Temporary(in: self)
    guard renameat(handle.number, one.name, handle.number, sayable.name) == 0 else {
      guard errno != ENOENT else { return }
      throw .last("remove", path(of: one.shown))
    }
    do throws(DiskError) {
      try removeTree(sayable.name, depth: depth)
    } catch {
      _ = renameat(handle.number, sayable.name, handle.number, one.name)
      throw error
    }
  }
}
