import SQLite
import Tuning

/// Keeping the database small, and its times true.
extension History {
  /// Pulls of one path whose details are kept; older ones are folded into one row for each pool size.
  static let keptPulls = 40
  /// Paths that are kept; imported ones go first, then the least recently used.
  static let keptPaths = 500
  /// Pulls that one recording folds, and paths that it drops, at most: nobody waits for a history
  /// that grew under other rules.
  private static let foldedPulls = 100
  private static let droppedPaths = 3
  /// Seconds since 1970 at the start of 2025: a clock before that was never set.
  private static let setClock = 1_735_689_600.0

  /// Replaces the details of all but the newest pulls by what they taught.
  static func fold(_ path: Int64, _ db: Database) throws {
    let old = try db.rows(
      """
      SELECT id, at FROM (SELECT id, at FROM pull WHERE path = ? ORDER BY at DESC LIMIT -1 OFFSET ?)
      ORDER BY at LIMIT ?
      """,
      [path, keptPulls, foldedPulls]
    ) { row in
      row.value("id").map { (id: $0 as Int64, at: row.time("at")) }
    }
    guard !old.isEmpty else { return }
    var memory = PathMemory()
    for known in try aggregates(of: path, isImported: false, at: .infinity, db) {
      memory.merge([known.poolSize: known.statistics], at: known.at)
    }
    let statement = try epochStatement(db)
    for pull in old {
      let epochs = try Self.epochs(of: pull.id, statement)
      memory.learn(PullRecord(seconds: 0, bytes: 0, epochs: epochs), at: pull.at)
      try db.execute("DELETE FROM pull WHERE id = ?", [pull.id])
    }
    // Not when the newest of these was: one under a clock that was not set would make the rest as
    // old as it says.
    try save(memory.statistics, of: path, isImported: false, at: memory.learnedAt, db)
  }

  static func save(
    _ statistics: [Int: PathMemory.Statistics], of path: Int64, isImported: Bool, at now: Double,
    _ db: Database
  ) throws {
    try save(statistics, of: path, isImported: isImported, at: now, by: saving(db))
  }

  /// What `save` runs, for who saves much.
  static func saving(_ db: Database) throws -> Statement {
    try db.statement(
      """
      INSERT OR REPLACE INTO aggregate
        (path, poolSize, isImported, at, weight, mean, squares, busyWeight, pulls, bound, boundWeight)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
  }

  static func save(
    _ statistics: [Int: PathMemory.Statistics], of path: Int64, isImported: Bool, at now: Double,
    by statement: Statement
  ) throws {
    for (size, known) in statistics {
      try statement.run([
        path, size, isImported, now, known.weight, known.mean, known.squares, known.busyWeight,
        known.pulls, known.bound, known.boundWeight,
      ])
    }
  }

  /// Dates what a clock that was ahead wrote down: from now on it ages like the rest.
  static func settle(_ path: Int64, at now: Double, _ db: Database) throws {
    guard now > setClock else { return }
    // What is no number is after every number.
    let time = "CASE WHEN typeof(at) IN ('real', 'integer') THEN ?1 ELSE 0 END"
    for table in ["pull", "aggregate", "ceiling", "sweep"] {
      try db.execute(
        "UPDATE \(table) SET at = \(time) WHERE path = ?2 AND at > ?1", [now, path])
    }
    try db.execute("UPDATE path SET usedAt = ?1 WHERE usedAt > ?1", [now])
  }

  /// Drops a few of the paths that are too many.
  static func dropOldPaths(_ db: Database) throws {
    try db.execute(
      """
      DELETE FROM path WHERE id IN (
        SELECT id FROM path ORDER BY \(Bounds.isOwn) DESC, \(Bounds.usedAt) DESC LIMIT ? OFFSET ?)
      """,
      [droppedPaths, keptPaths])
  }

  /// Drops the imported paths for which there is no room beside own ones.
  ///
  /// - Returns: how many.
  static func dropImportedPaths(_ db: Database) throws -> Int {
    try db.execute(
      """
      DELETE FROM path WHERE NOT \(Bounds.isOwn) AND id IN (
        SELECT id FROM path ORDER BY \(Bounds.isOwn) DESC, \(Bounds.usedAt) DESC
        LIMIT -1 OFFSET ?)
      """,
      [keptPaths])
    return db.changedRows
  }
}
