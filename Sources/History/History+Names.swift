import SQLite

extension History {
  /// What a history names.
  package struct Names: Sendable, Equatable {
    /// Registries, that of the last pull first.
    package var registries: [String] = []
    /// Machines.
    package var machines: [String] = []
  }

  /// Looks up the names in a history, for whoever cannot wait and wants no more.
  ///
  /// Nothing is made, moved, repaired or brought up to date for that, and no lock is waited for.
  ///
  /// - Parameter file: the database's path.
  /// - Returns: no names where there is no history, or one that cannot be read now.
  package static func names(in file: String) -> Names {
    var options = Database.Options()
    options.isReadOnly = true
    options.patience = 0
    do {
      return try Database(file: file, options).transaction(writes: false, within: hastily) { db in
        Names(
          registries: try db.rows(
            "SELECT registry FROM path GROUP BY registry ORDER BY max(\(Bounds.usedAt)) DESC"
          ) { $0.value(0) },
          machines: try db.rows("SELECT DISTINCT name FROM machine ORDER BY name") { $0.value(0) })
      }
    } catch {
      return Names()
    }
  }

  /// Seconds that somebody waits who has pressed a key.
  private static let hastily = 0.02
}
