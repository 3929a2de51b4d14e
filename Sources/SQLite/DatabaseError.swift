import CSQLite

/// What libsqlite3 said.
package struct DatabaseError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What kind of thing went wrong, as far as it makes a difference to anybody.
  package enum Kind: Sendable, Equatable {
    /// Another process held a lock for too long.
    case locked
    /// It may only be read.
    case readOnly
    /// No space is left.
    case full
    /// What is in the file makes no sense, or it is no database.
    case corrupt
    /// It took longer than it was allowed to.
    case late
    /// Anything else.
    case other
  }

  /// The extended result code (https://www.sqlite.org/rescode.html).
  package let code: Int32
  /// In libsqlite3's words.
  package let description: String

  /// Makes an error.
  package init(code: Int32, description: String) {
    self.code = code
    self.description = description
  }

  /// The file's content makes no sense to the caller.
  package static func corrupt(_ description: String) -> DatabaseError {
    DatabaseError(code: SQLITE_CORRUPT, description: description)
  }

  /// What kind of thing went wrong.
  package var kind: Kind {
    switch code & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED: .locked
    case SQLITE_READONLY, SQLITE_PERM: .readOnly
    case SQLITE_FULL: .full
    case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
    case SQLITE_INTERRUPT: .late
    default: .other
    }
  }
}
