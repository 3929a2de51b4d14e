import Glibc
import SQLite

/// What earlier pulls taught, in an SQLite database that several processes share.
///
/// Nothing here may stop a pull: every failure is a `HistoryError` that the caller turns into one
/// warning. What is in the file is data from outside, like a server's answer. Times are seconds since 1970.
package struct History: Sendable {
  /// Where the database is.
  package let file: String
  let database: Database
  private let place: HistoryFile
  /// Which file is open; nil: one that is not moved, whatever is in it.
  private let identity: HistoryFile.Identity?

  /// Seconds that a pull waits for its history at most, beside the locks of others.
  static let promptly = 5.0
  /// Seconds for whoever asked for the history itself.
  static let patiently = 60.0

  /// Opens the database, and makes it where there is none.
  ///
  /// A damaged one is set aside under another name and a new one is made; what was never a history
  /// is left alone.
  ///
  /// - Parameters:
  ///   - file: the database's path.
  ///   - warn: told when a damaged file was set aside.
  /// - Throws: `HistoryError`.
  package init(file: String, warn: (String) -> Void = { _ in }) throws(HistoryError) {
    self.file = file
    place = try HistoryFile(file)
    (database, identity) = try Self.openOrReplace(place, warn)
  }

  /// The history's file, and what SQLite keeps beside it.
  ///
  /// - Parameter file: the database's path.
  package static func files(_ file: String) -> [String] {
    [file] + HistoryFile.companions.map { file + $0 }
  }

  // MARK: Opening

  private static func openOrReplace(
    _ place: HistoryFile, _ warn: (String) -> Void
  ) throws(HistoryError) -> (Database, HistoryFile.Identity?) {
    let found = try place.find(warn)
    // Without locks, what others are writing looks like damage later.
    let identity = found.options.hasLocks ? found.identity : nil
    do throws(HistoryError) {
      return (try open(place, found), identity)
    } catch {
      guard error.kind == .corrupt else { throw error }
    }
    guard let aside = place.setAside(found.identity, now: time(nil)) else {
      throw HistoryError(
        kind: .foreign, description: "\(place.path) is no history, or is damaged: it is left alone"
      )
    }
    warn("the history was damaged; it is set aside as \(aside)")
    let new = try place.find { _ in }
    return (try open(place, new), new.options.hasLocks ? new.identity : nil)
  }

  private static func open(
    _ place: HistoryFile, _ found: HistoryFile.Found
  ) throws(HistoryError) -> Database {
    let options = found.options
    return try checked(place.path) {
      let database = try Database(file: place.place.path, options)
      let standing = try database.transaction(writes: false, within: promptly) {
        try Schema.migrator.standing($0)
      }
      switch standing {
      case .foreign: throw DatabaseError.corrupt("it has other tables")
      case .newer:
        throw HistoryError(
          kind: .newer, description: "the history \(place.path) was made by a newer cairn")
      case .empty, .behind:
        if options.isReadOnly {
          throw HistoryError(
            kind: .readOnly,
            description: "the history \(place.path) cannot be written, and is of an older version")
        }
        place.makePrivate(found.identity)
        // Others may do so at the same time: whoever comes second finds nothing left to do.
        try database.transaction(writes: true, within: patiently) {
          try Schema.migrator.migrate($0)
        }
      case .current:
        if !options.isReadOnly { place.makePrivate(found.identity) }
      }
      try database.transaction(writes: false, within: promptly) { try Schema.check($0) }
      return database
    }
  }

  // MARK: Using

  /// Runs a database operation; every error becomes a `HistoryError`.
  private static func checked<Made>(_ file: String, _ body: () throws -> Made) throws(HistoryError)
    -> Made
  {
    do {
      return try body()
    } catch let error as HistoryError {
      throw error
    } catch let error as DatabaseError {
      let (kind, words): (HistoryError.Kind, String) =
        switch error.kind {
        case .locked: (.locked, "is locked by another process")
        case .readOnly: (.readOnly, "cannot be written")
        case .full: (.full, "has no space left on its disk")
        case .corrupt: (.corrupt, "is damaged")
        case .late: (.unreadable, "took too long to read or write")
        case .other: (.unreadable, "cannot be used: \(error)")
        }
      throw HistoryError(kind: kind, description: "the history \(file) \(words)")
    } catch {
      throw HistoryError(kind: .unreadable, description: "the history \(file): \(error)")
    }
  }

  /// As `checked`; what turns out to be damaged is set aside, so that the next pull begins a new one.
  private func transaction<Made: Sendable>(
    writes: Bool, within seconds: Double, _ body: (Database) throws -> Made
  ) throws(HistoryError) -> Made {
    do throws(HistoryError) {
      return try Self.checked(file) {
        try database.transaction(writes: writes, within: seconds, body)
      }
    } catch {
      guard error.kind == .corrupt, let identity,
        let aside = place.setAside(identity, now: time(nil))
      else { throw error }
      throw HistoryError(
        kind: .corrupt, description: error.description + " and set aside as \(aside)")
    }
  }

  func read<Made: Sendable>(
    within seconds: Double = promptly, _ body: (Database) throws -> Made
  ) throws(HistoryError) -> Made {
    try transaction(writes: false, within: seconds, body)
  }

  func write<Made: Sendable>(
    within seconds: Double = promptly, _ body: (Database) throws -> Made
  ) throws(HistoryError) -> Made {
    try transaction(writes: true, within: seconds, body)
  }
}
