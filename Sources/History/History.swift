import Foundation
import GRDB

/// What earlier pulls taught, in an SQLite database that several processes share.
///
/// Nothing here may stop a pull: every failure is a `HistoryError` that the caller turns into one
/// warning. Times are seconds since 1970.
public struct History: Sendable {
  /// Where the database is.
  public let file: String
  let database: DatabaseQueue

  /// Seconds to wait for other processes.
  private static let patience = 3.0

  /// The default place: `$XDG_STATE_HOME/cairn/history.sqlite`.
  ///
  /// - Parameter environment: for example the process's own.
  public static func defaultFile(_ environment: [String: String]) -> String {
    let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (state ?? (environment["HOME"] ?? "/") + "/.local/state") + "/cairn/history.sqlite"
  }

  /// Opens the database, and makes it where there is none.
  ///
  /// A file that is no database, or a damaged one, is set aside under another name and a new one is made.
  ///
  /// - Parameters:
  ///   - file: the database's path.
  ///   - warn: told when a damaged file was set aside.
  /// - Throws: `HistoryError`.
  public init(file: String, warn: (String) -> Void = { _ in }) throws(HistoryError) {
    self.file = file
    do throws(HistoryError) {
      database = try Self.open(file, warn)
    } catch  where error.kind == .corrupt {
      let aside = "\(file).corrupt-\(Int(Date().timeIntervalSince1970))"
      for suffix in ["", "-journal", "-wal", "-shm"] {
        guard rename(file + suffix, aside + suffix) == 0 || !suffix.isEmpty else {
          throw HistoryError(kind: .corrupt, description: "the history \(file) is damaged")
        }
      }
      warn("the history was damaged; it is set aside as \(aside)")
      database = try Self.open(file, warn)
    }
  }

  private static func open(_ file: String, _ warn: (String) -> Void) throws(HistoryError)
    -> DatabaseQueue
  {
    var configuration = Configuration()
    configuration.busyMode = .timeout(patience)
    configuration.label = "history"
    // Absolute, because the folder of a bare name would be the empty path.
    let folder = URL(filePath: file).deletingLastPathComponent().path
    try? FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    // SQLite would make it readable by others.
    let descriptor = Glibc.open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    var hasLocks = true
    if descriptor >= 0 {
      // One that was made by a wider umask, or by hand; never a device.
      var info = stat()
      if fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG {
        fchmod(descriptor, 0o600)
        hasLocks = Self.hasLocks(descriptor)
        // SQLite takes no file system that cannot sync, unless it need not; what is lost with the power is only advice.
        if fdatasync(descriptor) != 0, [EINVAL, ENOTSUP, ENOSYS].contains(errno) {
          configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = OFF") }
        }
      }
      close(descriptor)
    }
    if !hasLocks {
      warn(
        "the file system of \(folder) has no locks: only one at a time should use the history there"
      )
    }
    configuration.readonly = descriptor < 0 && access(file, R_OK) == 0
    return try checked(file) {
      let database = try DatabaseQueue(
        path: hasLocks ? file : URL(filePath: file).absoluteString + "?vfs=unix-none",
        configuration: configuration)
      try prepare(database)
      return database
    }
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

  /// Brings the tables up to date.
  ///
  /// Several processes may find an empty file at once: a table can come to be between two looks at it, and whoever comes
  /// second finds the tables that it was about to make. Each looks again at what is left to do.
  private static func prepare(_ database: DatabaseQueue) throws {
    for _ in 1..<preparationAttempts {
      do {
        return try prepareOnce(database)
      } catch let error as DatabaseError
        where error.resultCode == .SQLITE_ERROR
        || error.extendedResultCode == .SQLITE_BUSY_SNAPSHOT
      {
        continue
      }
    }
    try prepareOnce(database)
  }

  private static func prepareOnce(_ database: DatabaseQueue) throws {
    let migrator = Schema.migrator
    if try database.read(migrator.hasBeenSuperseded) {
      throw HistoryError(
        kind: .newer, description: "the history \(database.path) was made by a newer cairn")
    }
    if !database.configuration.readonly { try migrator.migrate(database) }
  }

  private static let preparationAttempts = 5

  /// Runs a database operation; every error becomes a `HistoryError`.
  static func checked<Value>(_ file: String, _ body: () throws -> Value) throws(HistoryError)
    -> Value
  {
    do {
      return try body()
    } catch let error as HistoryError {
      throw error
    } catch let error as DatabaseError {
      let (kind, words): (HistoryError.Kind, String) =
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: (.locked, "is locked by another process")
        case .SQLITE_READONLY, .SQLITE_PERM: (.readOnly, "cannot be written")
        case .SQLITE_FULL: (.full, "has no space left on its disk")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: (.corrupt, "is damaged")
        default: (.unreadable, "cannot be used: \(error.message ?? "\(error.resultCode)")")
        }
      throw HistoryError(kind: kind, description: "the history \(file) \(words)")
    } catch {
      throw HistoryError(kind: .unreadable, description: "the history \(file): \(error)")
    }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws(HistoryError) -> Value {
    try Self.checked(file) { try database.read(body) }
  }

  func write<Value>(_ body: (Database) throws -> Value) throws(HistoryError) -> Value {
    try Self.checked(file) { try database.write(body) }
  }
}
