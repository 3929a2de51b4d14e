import SQLite
import Tuning

/// The rows of one machine's paths, each made where there is none; for many of them statements are
/// prepared once.
struct PathRows {
  private let machine: Int64?
  private let making: Statement
  private let finding: Statement

  /// - Throws: `DatabaseError`.
  init(of machine: MachineIdentity, _ db: Database) throws {
    try db.execute(
      "INSERT OR IGNORE INTO machine (name, cpus, os, architecture) VALUES (?, ?, ?, ?)",
      [machine.name, machine.cpus, machine.os, machine.architecture])
    self.machine = try db.first(
      "SELECT id FROM machine WHERE name = ? AND cpus = ? AND os = ? AND architecture = ?",
      [machine.name, machine.cpus, machine.os, machine.architecture])
    making = try db.statement(
      """
      INSERT OR IGNORE INTO path (machine, registry, blobHost, network, usedAt)
      VALUES (?, ?, ?, ?, ?)
      """)
    finding = try db.statement(
      """
      SELECT id FROM path WHERE machine = ? AND registry = ? AND blobHost = ? AND network = ?
      """)
  }

  /// A path's row.
  ///
  /// - Parameter now: when it was used, in seconds since 1970, if it is new.
  /// - Throws: `DatabaseError`.
  func id(of path: PathIdentity, at now: Double) throws -> Int64 {
    try making.run([machine, path.registry, path.blobHost, path.network, now])
    var known: Int64?
    try finding.run([machine, path.registry, path.blobHost, path.network]) { row in
      known = row.value(0)
      return false
    }
    guard let known else { throw DatabaseError.corrupt("a path that was inserted is not there") }
    return known
  }
}
