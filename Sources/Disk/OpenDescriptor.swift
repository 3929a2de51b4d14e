package import Glibc

/// An open descriptor that closes itself.
final class OpenDescriptor: Sendable {
  let number: Int32

  /// - Parameter number: an open one, which is the value's from now on.
  init(_ number: Int32) { self.number = number }

  deinit { close(number) }

  /// Opens a name below a directory; nil, and `errno` says why, where that fails.
  ///
  /// - Parameters:
  ///   - name: of one step, or a path.
  ///   - directory: an open directory, or `AT_FDCWD`.
  convenience init?(_ name: String, at directory: Int32, _ flags: Int32, _ mode: mode_t = 0) {
    let opened = retrying { openat(directory, name, flags | O_CLOEXEC, mode) }
    guard opened >= 0 else { return nil }
    self.init(opened)
  }

  /// What `fstat` says; nil, and `errno` says why, where that fails.
  var info: stat? {
    var info = stat()
    return fstat(number, &info) == 0 ? info : nil
  }

  /// Whether what it is of is mounted for reading only.
  var isReadOnly: Bool {
    var system = statvfs()
    return fstatvfs(number, &system) == 0 && system.f_flag & UInt(ST_RDONLY) != 0
  }

  /// Only names something, and opens nothing: linux/fcntl.h, which Swift does not show.
  static let pathOnly: Int32 = 0o10000000
}

/// Makes a call again for as long as a signal interrupts it.
func retrying(_ call: () -> Int32) -> Int32 {
  while true {
    let result = call()
    if result >= 0 || errno != EINTR { return result }
  }
}

extension stat {
  /// What kind of thing it is.
  package var kind: FileKind { FileKind(mode: st_mode) }

  /// Whether it is written as it is: a pipe or a device.
  var isStream: Bool { kind == .pipe || kind == .characterDevice }

  /// Whether neither its group nor everybody may write it.
  var isClosedToOthers: Bool { st_mode & (S_IWGRP | S_IWOTH) == 0 }

  /// Whether two are of the same file.
  package func isSame(as other: stat) -> Bool {
    st_ino == other.st_ino && st_dev == other.st_dev
  }
}
