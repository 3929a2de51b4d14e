import Glibc
import Synchronization
import Text

/// A socket in the file system that one listens on.
///
/// ```
/// nothing there -> bound      under a name of its own first, then by the name that it is to have
/// a socket that nobody listens on -> bound, in its place
/// a socket that somebody listens on, or another kind of file -> refused
/// bound -> gone              when its listener is closed, or the process is about to end
/// ```
package struct LocalSocket: Sendable {
  private let path: String
  let name: String
  private let folder: Folder

  /// - Parameter path: where it is to be.
  /// - Throws: `DiskError` where its directory is not there.
  package init(_ path: String) throws(DiskError) {
    self.path = path
    name = path.cut(atLast: "/").map { String($0.after) } ?? path
    folder = try Folder(Files.parent(of: path))
  }

  /// Makes it; whoever has the descriptor listens on it and closes it.
  ///
  /// - Throws: `DiskError`: somebody listens there, something else is there, or it cannot be made.
  package func bound() throws(DiskError) -> Int32 {
    try requireFree()
    let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw .last("make", path) }
    do throws(DiskError) {
      // No moment without a socket by that name, and none in which it is there and nobody listens.
      let temporary = Temporary(in: folder)
      let place = "/proc/self/fd/\(folder.handle.number)/\(temporary.name)"
      guard Self.address(place, { bind(socket, $0, $1) }) == 0, listen(socket, 512) == 0 else {
        throw .last("make", path)
      }
      try open(temporary.name)
      try folder.replace(name, by: temporary.name, action: "make")
      return socket
    } catch {
      Self.made.withLock { $0[path.exact] = nil }
      close(socket)
      throw error
    }
  }

  /// Lets its group in; the owner of the folder can give the name to something else at any time.
  private func open(_ temporary: String) throws(DiskError) {
    guard let made = folder.info(temporary), made.kind == .socket, note(made, temporary),
      folder.setMode(0o660, of: temporary, if: { $0.kind == .socket && $0.isSame(as: made) }),
      folder.info(temporary)?.isSame(as: made) ?? false
    else {
      throw DiskError("make", path, ESTALE, reason: "somebody else changes it at the same time")
    }
  }

  /// Takes it away.
  package func remove() {
    guard let info = folder.info(name), info.st_mode & S_IFMT == S_IFSOCK else { return }
    // Another service may have come meanwhile.
    if !isAnswered { unlinkat(folder.handle.number, name, 0) }
    Self.made.withLock { $0[path.exact] = nil }
  }

  // MARK: The end of the process

  /// A socket that this process has made: while it is bound, no other file has its number.
  private struct Made {
    let folder: Folder
    let names: [String]
    let device: dev_t
    let number: ino_t

    func remove() {
      for name in names {
        guard let info = folder.info(name), info.st_dev == device, info.st_ino == number else {
          continue
        }
        unlinkat(folder.handle.number, name, 0)
      }
    }
  }

  private static let made = Mutex<[ExactText: Made]>([:])

  /// Remembers what was made just now, under the name that it has at first.
  private func note(_ info: stat, _ temporary: String) -> Bool {
    Self.made.withLock {
      $0[path.exact] = Made(
        folder: folder, names: [temporary, name], device: info.st_dev, number: info.st_ino)
    }
    return true
  }

  /// Takes away all that this process has: it is about to end, and does not wait for who listens.
  package static func removeAll() {
    for path in made.withLock({ Array($0.keys) }) { takeAway(path.text) }
  }

  /// Takes away what this process has made by that path, wherever somebody still listens on it.
  static func takeAway(_ path: String) {
    made.withLock { $0.removeValue(forKey: path.exact) }?.remove()
  }

  // MARK: Whose it is

  private func requireFree() throws(DiskError) {
    guard let info = folder.info(name) else { return }
    guard info.st_mode & S_IFMT == S_IFSOCK else { throw DiskError("replace", path, EEXIST) }
    guard !isAnswered else { throw DiskError("listen on", path, EADDRINUSE) }
  }

  /// Whether somebody listens on what is there.
  private var isAnswered: Bool {
    // Where nobody takes the connections that wait already, the next one would wait as well.
    let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    let socket = socket(AF_UNIX, Int32(kind), 0)
    guard socket >= 0 else { return true }
    defer { close(socket) }
    let place = "/proc/self/fd/\(folder.handle.number)/\(name)"
    guard Self.address(place, { connect(socket, $0, $1) }) != 0 else { return true }
    return errno != ECONNREFUSED && errno != ENOENT
  }

  private static func address(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32)
    -> Int32
  {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      errno = ENAMETOOLONG
      return -1
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
