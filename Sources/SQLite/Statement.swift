import CSQLite

/// A prepared statement, to be run any number of times.
///
/// Nothing that a file holds traps: a column is read as what it is, and is nil where something else
/// was asked for.
package final class Statement {
  /// The row that a statement stands on; not to be kept.
  package struct Row {
    fileprivate let statement: Statement

    /// A column's value, by its place in the statement.
    ///
    /// - Parameter place: from 0; there is nothing in those that the statement has not.
    package subscript(place: Int) -> Value { statement.column(place) }

    /// A column's value; nil where it has none of that type, or the statement no such column.
    package func value<Wanted: ValueConvertible>(_ place: Int) -> Wanted? { Wanted(self[place]) }

    /// A column's value; nil where it has none of that type, or the statement no such column.
    package func value<Wanted: ValueConvertible>(_ name: String) -> Wanted? {
      statement.places[name].flatMap { value($0) }
    }
  }

  /// Bytes of the longest text that is read.
  private static let longestText = 64 << 10

  private let handle: OpaquePointer
  /// Kept open for as long as the statement is there.
  private let database: Database
  private lazy var places = [String: Int](
    (0..<Int(sqlite3_column_count(handle))).compactMap { place in
      sqlite3_column_name(handle, Int32(place)).map { (String(cString: $0), place) }
    }, uniquingKeysWith: { first, _ in first })

  init(_ sql: String, _ database: Database) throws(DatabaseError) {
    var made: OpaquePointer?
    try database.check(sqlite3_prepare_v2(database.handle, sql, -1, &made, nil))
    guard let made else { throw DatabaseError(code: SQLITE_MISUSE, description: "no statement") }
    handle = made
    self.database = database
  }

  deinit { sqlite3_finalize(handle) }

  /// Runs it to its end and hands out each row.
  ///
  /// - Parameters:
  ///   - arguments: for the statement's question marks, in order; nil is NULL.
  ///   - each: given a row; false ends it early.
  /// - Throws: `DatabaseError`, or what `each` throws.
  package func run(
    _ arguments: [(any ValueConvertible)?] = [], each: (Row) throws -> Bool = { _ in true }
  ) throws {
    defer {
      sqlite3_reset(handle)
      sqlite3_clear_bindings(handle)
    }
    for (place, argument) in zip(Int32(1)..., arguments) { try bind(argument, at: place) }
    while true {
      switch sqlite3_step(handle) {
      case SQLITE_ROW: guard try each(Row(statement: self)) else { return }
      case SQLITE_DONE: return
      case let code: throw database.error(code)
      }
    }
  }

  private func bind(_ argument: (any ValueConvertible)?, at place: Int32) throws(DatabaseError) {
    switch argument?.databaseValue ?? .null {
    case .null, .other: try database.check(sqlite3_bind_null(handle, place))
    case .integer(let number): try database.check(sqlite3_bind_int64(handle, place, number))
    case .real(let number): try database.check(sqlite3_bind_double(handle, place, number))
    case .text(var text):
      let code = text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) {
          guard let count = Int32(exactly: $0.count) else { return SQLITE_TOOBIG }
          // Where there is nothing to point to, it would be NULL.
          guard let start = $0.baseAddress else { return cairn_bind_text(handle, place, "", 0) }
          return cairn_bind_text(handle, place, start, count)
        }
      }
      try database.check(code)
    }
  }

  fileprivate func column(_ place: Int) -> Value {
    guard let place = Int32(exactly: place), place >= 0, place < sqlite3_data_count(handle) else {
      return .null
    }
    switch sqlite3_column_type(handle, place) {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(handle, place))
    case SQLITE_FLOAT: return .real(sqlite3_column_double(handle, place))
    case SQLITE_NULL: return .null
    case SQLITE_TEXT:
      // In this order: the text is made first, then its bytes counted.
      let text = sqlite3_column_text(handle, place)
      let count = Int(sqlite3_column_bytes(handle, place))
      guard let text, count <= Self.longestText else { return .other }
      return String(
        validating: UnsafeBufferPointer(start: text, count: count), as: UTF8.self
      ).map { .text($0) } ?? .other
    default: return .other
    }
  }
}
