import Disk
import FoundationEssentials
import Glibc
import SQLite

/// The file that a history is in, before SQLite looks into it, and when it turns out to be damaged.
struct HistoryFile: Sendable {
  /// What tells a file from another that later has its name.
  struct Identity: Sendable, Equatable {
    private let device: UInt64
    private let number: UInt64

    fileprivate init(_ info: stat) {
      (device, number) = (UInt64(info.st_dev), UInt64(info.st_ino))
    }
  }

  /// A file that may be opened.
  struct Found {
    /// How.
    let options: Database.Options
    /// Which file it is; nil: it cannot be looked into.
    let identity: Identity?
  }

  /// Its absolute path, as the user knows it.
  let path: String
  /// Where it is.
  let place: LibraryFile

  /// What SQLite keeps beside it.
  static let companions = ["-journal", "-wal", "-shm"]
  /// Bytes at a file's beginning in which its tables are named.
  private static let head = 1 << 20
  /// What every SQLite file begins with.
  private static let mark = Array("SQLite format 3\0".utf8)
  /// What is in the head of every history of ours, and together in no other file.
  private static let names = ["grdb_migrations", "isAppLimited"].map { Array($0.utf8) }

  /// Makes its folder where there is none.
  ///
  /// - Throws: `HistoryError` where another user could lead root elsewhere by it.
  init(_ path: String) throws(HistoryError) {
    do throws(DiskError) {
      let path = try Files.absolute(path)
      self.path = path
      place = try LibraryFile(path, making: 0o700)
    } catch {
      throw HistoryError(
        kind: error.reason == nil ? .unreadable : .foreign,
        description: "the history \(path) is not used: \(error.why); --history names another place")
    }
  }

  /// Makes the file where there is none, and finds out what can be done with it.
  ///
  /// - Parameter warn: told what its file system cannot do.
  /// - Throws: `HistoryError` where something else than a file of ours has its name: reading that
  ///   might never end.
  func find(_ warn: (String) -> Void) throws(HistoryError) -> Found {
    for name in [""] + Self.companions {
      guard let complaint = place.complaint(place.name + name) else { continue }
      throw HistoryError(
        kind: .foreign, description: "the history \(path)\(name) is not used: \(complaint)")
    }
    var options = Database.Options()
    // SQLite would make it readable by others.
    let file = try? OpenFile(place.name, in: place.folder, O_RDWR | O_CREAT, 0o600)
    options.isReadOnly =
      file == nil && (try? OpenFile(place.name, in: place.folder, O_RDONLY)) != nil
    if let file {
      options.hasLocks = Self.hasLocks(file.descriptor)
      // SQLite takes no file system that cannot sync, unless it need not; what is lost with the
      // power is only advice.
      options.isSynced =
        fdatasync(file.descriptor) == 0 || ![EINVAL, ENOTSUP, ENOSYS].contains(errno)
    }
    if !options.hasLocks {
      warn(
        "the file system of \(place.folder.path) has no locks: only one at a time should use the history there"
      )
    }
    return Found(options: options, identity: file.flatMap(Self.identity))
  }

  /// Takes it from all others: it may have been made by a wider umask, or by hand.
  func makePrivate(_ identity: Identity?) {
    _ = place.folder.setMode(0o600, of: place.name) { Identity($0) == identity }
  }

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
  private func isOurs(_ file: OpenFile) -> Bool {
    var bytes = [UInt8](repeating: 0, count: Self.head)
    let count = pread(file.descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return false }
    let head = bytes[..<count]
    return head.starts(with: Self.mark) && Self.names.allSatisfy { head.contains($0) }
  }

  private static func identity(_ file: OpenFile) -> Identity? { file.info.map(Identity.init) }

  /// Gives a damaged history another name, and what SQLite keeps beside it with it.
  ///
  /// - Parameters:
  ///   - identity: the damaged file; another process may have put a new one in its place since.
  ///   - now: seconds since 1970.
  /// - Returns: its new name; nil where it stays: it is none of ours, or cannot be moved.
  func setAside(_ identity: Identity?, now: Int) -> String? {
    let (folder, name) = (place.folder, place.name)
    guard let file = try? OpenFile(name, in: folder, O_RDONLY), identity == Self.identity(file),
      isOurs(file)
    else { return nil }
    let endings = (0..<100).lazy.map { ".corrupt-\(now)" + ($0 > 0 ? "-\($0)" : "") }
    guard let ending = endings.first(where: { folder.info(name + $0) == nil }), file.isStillNamed,
      (try? folder.rename(name, to: name + ending)) != nil
    else { return nil }
    for companion in Self.companions {
      try? folder.rename(name + companion, to: name + ending + companion)
    }
    return place.path + ending
  }
}
