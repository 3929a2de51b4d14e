import GRDB
public import Tuning

/// Looking at what was learned, forgetting it, and sharing it.
extension History {
  /// What is known of one path.
  public struct PathReport: Sendable {
    /// The machine.
    public var machine: MachineIdentity
    /// The path.
    public var path: PathIdentity
    /// Pulls over it.
    public var pulls: Int
    /// When the last one ended, in seconds since 1970.
    public var usedAt: Double
    /// What limited the last one that could say.
    public var limitedBy: PullRecord.Limit?
    /// What a pull would start from.
    public var prior: Prior?
    /// Whether all of it comes from another machine's export.
    public var isImported: Bool
  }

  /// Which part of the history is meant.
  public struct Selection: Sendable {
    /// A machine's host name; nil: any.
    public var machine: String?
    /// A registry's host; nil: any.
    public var registry: String?

    /// Makes a selection.
    public init(machine: String? = nil, registry: String? = nil) {
      self.machine = machine
      self.registry = registry
    }

    var condition: String {
      "(?1 IS NULL OR machine.name = ?1) AND (?2 IS NULL OR path.registry = ?2)"
    }

    var arguments: StatementArguments { [machine, registry] }
  }

  /// Everything known, most recently used path first.
  ///
  /// - Parameters:
  ///   - selection: which machines and registries.
  ///   - now: seconds since 1970.
  /// - Throws: `HistoryError`.
  public func reports(_ selection: Selection, now: Double) throws(HistoryError) -> [PathReport] {
    try read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT path.*, machine.name, machine.cpus, machine.os, machine.architecture
          FROM path JOIN machine ON machine.id = path.machine
          WHERE \(selection.condition) ORDER BY path.usedAt DESC, path.id
          """,
        arguments: selection.arguments)
      return try rows.map { row in
        let limit: String? = row["limitedBy"]
        return PathReport(
          machine: MachineIdentity(
            name: row["name"], cpus: row["cpus"], os: row["os"], architecture: row["architecture"]),
          path: PathIdentity(
            registry: row["registry"], blobHost: row["blobHost"], network: row["network"]),
          pulls: row["pulls"], usedAt: row["usedAt"],
          limitedBy: limit.flatMap { PullRecord.Limit(rawValue: $0) },
          prior: try Self.memory(of: row["id"], db).prior(at: now),
          isImported: row["pulls"] == 0)
      }
    }
  }

  /// Forgets a part of the history.
  ///
  /// - Parameter selection: which machines and registries.
  /// - Returns: paths that were forgotten.
  /// - Throws: `HistoryError`.
  public func forget(_ selection: Selection) throws(HistoryError) -> Int {
    try write { db in
      try db.execute(
        sql: """
          DELETE FROM path WHERE id IN (
            SELECT path.id FROM path JOIN machine ON machine.id = path.machine
            WHERE \(selection.condition))
          """,
        arguments: selection.arguments)
      let paths = db.changesCount
      try db.execute(sql: "DELETE FROM machine WHERE id NOT IN (SELECT machine FROM path)")
      return paths
    }
  }
}
