import FoundationEssentials
import Glibc
import SQLite

/// The file that a history is in, before SQLite looks into it, and when it turns out to be damaged.
struct HistoryFile: Sendable {
  /// What tells a file from another that later has its name.
  struct Identity: Sendable, Equatable {
    fileprivate let device: UInt64
    fileprivate let number: UInt64
  }

  /// A file that may be opened.
  struct Found {
    /// How.
    let options: Database.Options
    /// Which file it is; nil: it cannot be looked into.
    let identity: Identity?
  }

  /// Its absolute path.
  let path: String

  /// What SQLite keeps beside it.
  private static let companions = ["-journal", "-wal", "-shm"]
  /// Bytes at a file's beginning in which its tables are named.
  private static let head = 1 << 20
  /// What every SQLite file begins with.
  private static let mark = Array("SQLite format 3\0".utf8)
  /// What is in the head of every history of ours, and together in no other file.
  private static let names = ["grdb_migrations", "isAppLimited"].map { Array($0.utf8) }

  init(_ path: String) {
    self.path = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  private var folder: String {
    let end = path.lastIndex(of: "/") ?? path.startIndex
    return end == path.startIndex ? "/" : String(path[..<end])
  }

  /// Makes the file and its folder where there are none, and finds out what can be done with it.
  ///
  /// - Parameter warn: told what its file system cannot do.
  /// - Throws: `HistoryError` where something else than a file has its name: reading that might never end.
  func find(_ warn: (String) -> Void) throws(HistoryError) -> Found {
    try? FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    for name in [path] + Self.companions.map({ path + $0 }) {
      var info = stat()
      guard stat(name, &info) == 0, info.st_mode & S_IFMT != S_IFREG else { continue }
      throw HistoryError(kind: .foreign, description: "the history \(name) is no file")
    }
    var options = Database.Options()
    var identity: Identity?
    // SQLite would make it readable by others.
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o600)
    options.isReadOnly = descriptor < 0 && access(path, R_OK) == 0
    if descriptor >= 0 {
      identity = Self.identity(descriptor)
      options.hasLocks = Self.hasLocks(descriptor)
      // SQLite takes no file system that cannot sync, unless it need not; what is lost with the
      // power is only advice.
      options.isSynced =
        fdatasync(descriptor) == 0 || ![EINVAL, ENOTSUP, ENOSYS].contains(errno)
      close(descriptor)
    }
    if !options.hasLocks {
      warn(
        "the file system of \(folder) has no locks: only one at a time should use the history there"
      )
    }
    return Found(options: options, identity: identity)
  }

  /// Takes it from all others: it may have been made by a wider umask, or by hand.
  func makePrivate() { chmod(path, 0o600) }

  /// Whether the file system of an open file can lock parts of it (NFS without its lock service cannot).
  ///
  /// SQLite takes that for another process's lock and would wait for its end.
  private static func hasLocks(_ descriptor: Int32) -> Bool {
    // A byte that SQLite does not use; closing the descriptor lets go of it.
    var range = flock()
    range.l_type = Int16(F_RDLCK)
    range.l_whence = Int16(SEEK_SET)
    range.l_start = 1 << 29
    range.l_len = 1
    guard fcntl(descriptor, F_SETLK, &range) != 0 else { return true }
    return ![ENOLCK, ENOSYS, ENOTSUP, EINVAL].contains(errno)
  }

  // MARK: Damage

  /// Whether a file that cannot be read as a history once was one: only such a file is moved.
  private func isOurs(_ descriptor: Int32) -> Bool {
    var bytes = [UInt8](repeating: 0, count: Self.head)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return false }
    let head = bytes[..<count]
    return head.starts(with: Self.mark) && Self.names.allSatisfy { head.contains($0) }
  }

  private static func identity(_ descriptor: Int32) -> Identity? {
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { return nil }
    return Identity(device: UInt64(info.st_dev), number: UInt64(info.st_ino))
  }

  /// Gives a damaged history another name, and what SQLite keeps beside it with it.
  ///
  /// - Parameters:
  ///   - identity: the damaged file; another process may have put a new one in its place since.
  ///   - now: seconds since 1970.
  /// - Returns: its new name; nil where it stays: it is none of ours, or cannot be moved.
  func setAside(_ identity: Identity?, now: Int) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard identity == Self.identity(descriptor), isOurs(descriptor) else { return nil }
    let names = (0..<100).lazy.map { "\(path).corrupt-\(now)" + ($0 > 0 ? "-\($0)" : "") }
    guard let aside = names.first(where: { access($0, F_OK) != 0 }), rename(path, aside) == 0
    else { return nil }
    for companion in Self.companions { rename(path + companion, aside + companion) }
    return aside
  }
}
