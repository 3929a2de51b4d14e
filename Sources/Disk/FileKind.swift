import Glibc

/// What kind of thing has a name.
package enum FileKind: Sendable {
  case regular, directory, link, pipe, socket, characterDevice, blockDevice, unknown

  /// - Parameter mode: `st_mode` of `stat`.
  init(mode: mode_t) {
    switch mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .directory
    case S_IFLNK: self = .link
    case S_IFIFO: self = .pipe
    case S_IFSOCK: self = .socket
    case S_IFCHR: self = .characterDevice
    case S_IFBLK: self = .blockDevice
    default: self = .unknown
    }
  }

  /// A clause for people.
  package var words: String {
    switch self {
    case .regular: "it is a file"
    case .directory: "it is a directory"
    case .link: "it is a symbolic link, and none is followed here"
    case .pipe: "it is a pipe"
    case .socket: "it is a socket"
    case .characterDevice: "it is a device"
    case .blockDevice: "it is a block device"
    case .unknown: "it is no file"
    }
  }

  /// The system's number for finding it where a file should be.
  var code: Int32 {
    switch self {
    case .directory: EISDIR
    case .link: ELOOP
    default: EINVAL
    }
  }
}
