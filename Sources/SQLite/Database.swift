import CSQLite
import Synchronization

/// One connection to an SQLite file, for one transaction at a time.
///
/// The file may hold anything: triggers and views in it are off, what it calls for may not run
/// code, long values are not read, and a transaction ends at its deadline. What is no Cairn error
/// in it is a `DatabaseError`.
package final class Database: Sendable {
  /// How a file is opened.
  package struct Options: Sendable {
    /// Whether it is only read.
    package var isReadOnly = false
    /// Whether SQLite takes locks; without, one process at a time may use the file.
    package var hasLocks = true
    /// Whether SQLite waits for the disk.
    package var isSynced = true
    /// Seconds to wait for other processes' locks.
    package var patience = 3.0

    /// The usual ones.
    package init() {}
  }

  private let connection: cairn_database
  private let turn = Mutex(())

  var handle: OpaquePointer? { cairn_database_handle(connection) }

  /// Opens a file, and makes it where there is none.
  ///
  /// - Parameters:
  ///   - file: its absolute path.
  ///   - options: how.
  /// - Throws: `DatabaseError`; that it is no database shows only when it is read.
  package init(file: String, _ options: Options = Options()) throws(DatabaseError) {
    var made = cairn_database()
    let flags =
      options.isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    let code = cairn_database_open(file, flags, options.hasLocks ? 1 : 0, &made)
    connection = made
    try check(code)
    let milliseconds = Int32(exactly: (max(0, min(options.patience, 3_600)) * 1_000).rounded()) ?? 0
    try check(sqlite3_busy_timeout(handle, milliseconds))
    if !options.isSynced { try execute("PRAGMA synchronous = OFF") }
  }

  deinit { cairn_database_close(connection) }

  // MARK: Statements

  /// Prepares a statement.
  ///
  /// - Throws: `DatabaseError`.
  package func statement(_ sql: String) throws(DatabaseError) -> Statement {
    try Statement(sql, self)
  }

  /// Runs one statement that has arguments.
  ///
  /// - Throws: `DatabaseError`.
  package func execute(_ sql: String, _ arguments: [(any ValueConvertible)?]) throws {
    try statement(sql).run(arguments)
  }

  /// Runs statements without arguments, one after the other.
  ///
  /// - Throws: `DatabaseError`.
  package func execute(_ sql: String) throws(DatabaseError) {
    try check(sqlite3_exec(handle, sql, nil, nil, nil))
  }

  /// What is made of each row, but for those of which nothing can be.
  ///
  /// - Throws: `DatabaseError`, or what `make` throws.
  package func rows<Made>(
    _ sql: String, _ arguments: [(any ValueConvertible)?] = [],
    _ make: (Statement.Row) throws -> Made?
  ) throws -> [Made] {
    var made: [Made] = []
    try statement(sql).run(arguments) { row in
      try make(row).map { made.append($0) }
      return true
    }
    return made
  }

  /// What is made of the first row; nil where there is none, or nothing can be made of it.
  ///
  /// - Throws: `DatabaseError`, or what `make` throws.
  package func first<Made>(
    _ sql: String, _ arguments: [(any ValueConvertible)?] = [],
    _ make: (Statement.Row) throws -> Made?
  ) throws -> Made? {
    var made: Made?
    try statement(sql).run(arguments) { row in
      made = try make(row)
      return false
    }
    return made
  }

  /// The first column of the first row.
  ///
  /// - Throws: `DatabaseError`.
  package func first<Wanted: ValueConvertible>(
    _ sql: String, _ arguments: [(any ValueConvertible)?] = []
  ) throws -> Wanted? {
    try first(sql, arguments) { $0.value(0) }
  }

  /// The row that was inserted last.
  package var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

  /// Rows that the last statement changed.
  package var changedRows: Int { Int(sqlite3_changes(handle)) }

  // MARK: Transactions

  /// Runs a transaction: all of it or nothing; others wait for their turn.
  ///
  /// - Parameters:
  ///   - writes: whether it writes; then it has the file's lock from the start.
  ///   - seconds: how long it may take.
  ///   - body: what is done.
  /// - Throws: `DatabaseError`, or what `body` throws.
  package func transaction<Made: Sendable>(
    writes: Bool, within seconds: Double, _ body: (Database) throws -> Made
  ) throws -> Made {
    try turn.withLock { _ in
      cairn_database_end_after(connection, seconds)
      defer { cairn_database_end_after(connection, 0) }
      try execute(writes ? "BEGIN IMMEDIATE" : "BEGIN")
      do {
        let made = try body(self)
        try execute("COMMIT")
        return made
      } catch {
        cairn_database_end_after(connection, 0)
        // Some errors have rolled it back already.
        if sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
        throw error
      }
    }
  }

  // MARK: Errors

  func check(_ code: Int32) throws(DatabaseError) {
    guard code == SQLITE_OK else { throw error(code) }
  }

  func error(_ code: Int32) -> DatabaseError {
    let words = handle.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
    return DatabaseError(
      code: code, description: words.map { String(cString: $0) } ?? "error \(code)")
  }
}
