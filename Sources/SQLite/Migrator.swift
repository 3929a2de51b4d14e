/// Brings a file's tables up to date by numbered steps.
///
/// What was done is in the table `grdb_migrations`, as GRDB writes it, which did this in earlier
/// versions: so theirs and ours read each other's files, and refuse those of newer ones.
package struct Migrator: Sendable {
  /// How a file stands to the steps that are known.
  package enum Standing: Sendable, Equatable {
    /// It has no table at all.
    case empty
    /// It has tables, and none of them says what was done.
    case foreign
    /// Steps were done that are not known here.
    case newer
    /// These are still to be done, in this order.
    case behind([String])
    /// All was done.
    case current
  }

  /// A step: its name, and its SQL.
  package typealias Step = (name: String, sql: String)

  private static let table = "grdb_migrations"

  private let steps: [Step]

  /// - Parameter steps: oldest first; one that was released is never changed.
  package init(_ steps: [Step]) { self.steps = steps }

  /// How a file stands; to be asked in a transaction.
  ///
  /// - Throws: `DatabaseError`.
  package func standing(_ db: Database) throws -> Standing {
    let tables: Int = try db.first("SELECT count(*) FROM sqlite_schema WHERE type = 'table'") ?? 0
    guard tables > 0 else { return .empty }
    let isOurs: Int? = try db.first(
      "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [Self.table])
    guard isOurs != nil else { return .foreign }
    // What is no text is no name that is known.
    let done = try db.rows("SELECT identifier FROM \(Self.table)") { $0.value(0) ?? "" }
    let known = steps.map(\.name)
    guard Set(done).isSubset(of: known) else { return .newer }
    let left = known.filter { !done.contains($0) }
    return left.isEmpty ? .current : .behind(left)
  }

  /// Does what is left to do; to be called in a transaction that writes.
  ///
  /// - Throws: `DatabaseError`.
  package func migrate(_ db: Database) throws {
    let left: [String]
    switch try standing(db) {
    case .empty: left = steps.map(\.name)
    case .behind(let names): left = names
    case .foreign, .newer, .current: return
    }
    try db.execute(
      "CREATE TABLE IF NOT EXISTS \(Self.table) (identifier TEXT NOT NULL PRIMARY KEY)")
    for step in steps where left.contains(step.name) {
      try db.execute(step.sql)
      try db.execute("INSERT INTO \(Self.table) (identifier) VALUES (?)", [step.name])
    }
  }
}
