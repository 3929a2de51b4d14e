import SQLite
package import Tuning

/// Looking at what was learned, forgetting it, and sharing it.
extension History {
  /// What is known of one path.
  package struct PathReport: Sendable {
    /// The machine.
    package var machine: MachineIdentity
    /// The path.
    package var path: PathIdentity
    /// Pulls over it.
    package var pulls: Int
    /// When the last one ended, in seconds since 1970.
    package var usedAt: Double
    /// What limited the last one that could say.
    package var limitedBy: PullRecord.Limit?
    /// What a pull would start from.
    package var prior: Prior?
    /// Whether all of it comes from another machine's export.
    package var isImported: Bool
    /// Machines of a site whose exports it comes from; nil: it stands in the history.
    package var siteMachines: Int?
    /// The last pulls that were no sweep's, newest first, where they were asked for.
    package var recent: [RecentPull] = []
  }

  /// One of the last pulls.
  package struct RecentPull: Sendable {
    /// When it ended, in seconds since 1970.
    package var at: Double
    /// Seconds that its downloads took.
    package var seconds: Double
    /// Bytes that it fetched.
    package var bytes: Int64
    /// What limited it.
    package var limitedBy: PullRecord.Limit?
    /// Its pool sizes in order, and why each was chosen.
    package var epochs: [Epoch]
  }

  /// Which part of the history is meant.
  package struct Selection: Sendable {
    /// A machine's host name; nil: any.
    package var machine: String?
    /// A registry's host; nil: any.
    package var registry: String?

    /// Makes a selection.
    package init(machine: String? = nil, registry: String? = nil) {
      self.machine = machine
      self.registry = registry
    }

    var condition: String {
      "(?1 IS NULL OR machine.name = ?1) AND (?2 IS NULL OR path.registry = ?2)"
    }

    var arguments: [(any ValueConvertible)?] { [machine, registry] }
  }

  /// Everything known, most recently used path first.
  ///
  /// - Parameters:
  ///   - selection: which machines and registries.
  ///   - now: seconds since 1970.
  ///   - recent: so many of each path's last pulls.
  /// - Throws: `HistoryError`.
  package func reports(
    _ selection: Selection, now: Double, recent: Int = 0
  ) throws(HistoryError) -> [PathReport] {
    try read(within: Self.patiently) { db in
      try db.rows(
        """
        SELECT path.*, machine.name, machine.cpus, machine.os, machine.architecture
        FROM path JOIN machine ON machine.id = path.machine
        WHERE \(selection.condition) ORDER BY \(Bounds.usedAt) DESC, path.id
        """,
        selection.arguments
      ) { row in
        guard let machine = MachineIdentity(row), let path = PathIdentity(row),
          let id: Int64 = row.value("id")
        else { return nil }
        let limit: String? = row.value("limitedBy")
        let counted: Int = row.value("pulls") ?? 0
        let pulls = Bounds.pulls.contains(counted) ? counted : 0
        var report = PathReport(
          machine: machine, path: path, pulls: pulls, usedAt: row.time("usedAt", until: now),
          limitedBy: limit.flatMap { PullRecord.Limit(rawValue: $0) },
          prior: try Self.prior(of: id, at: now, db), isImported: pulls == 0)
        if recent > 0 { report.recent = try Self.recent(recent, of: id, at: now, db) }
        return report
      }
    }
  }

  private static func recent(
    _ count: Int, of path: Int64, at now: Double, _ db: Database
  ) throws -> [RecentPull] {
    let statement = try epochStatement(db)
    return try db.rows(
      "SELECT id, at, seconds, bytes, limitedBy FROM pull WHERE path = ? ORDER BY at DESC LIMIT ?",
      [path, count]
    ) { row in
      guard let id: Int64 = row.value("id"), let seconds: Double = row.value("seconds"),
        Bounds.times.contains(seconds), let bytes: Int64 = row.value("bytes"),
        Bounds.bytes.contains(bytes)
      else { return nil }
      let limit: String? = row.value("limitedBy")
      return RecentPull(
        at: row.time("at", until: now), seconds: seconds, bytes: bytes,
        limitedBy: limit.flatMap { PullRecord.Limit(rawValue: $0) },
        epochs: try epochs(of: id, statement))
    }
  }

  /// Forgets a part of the history.
  ///
  /// - Parameter selection: which machines and registries.
  /// - Returns: paths that were forgotten.
  /// - Throws: `HistoryError`.
  package func forget(_ selection: Selection) throws(HistoryError) -> Int {
    try write(within: Self.patiently) { db in
      try db.execute(
        """
        DELETE FROM path WHERE id IN (
          SELECT path.id FROM path JOIN machine ON machine.id = path.machine
          WHERE \(selection.condition))
        """,
        selection.arguments)
      let paths = db.changedRows
      try db.execute(
        "DELETE FROM machine WHERE id NOT IN (SELECT machine FROM path WHERE machine IS NOT NULL)")
      return paths
    }
  }
}

extension MachineIdentity {
  /// The machine of a row; nil where it names none that can be.
  fileprivate init?(_ row: Statement.Row) {
    guard let name: String = row.value("name"), let cpus: Int = row.value("cpus"),
      History.Bounds.cpus.contains(cpus), let os: String = row.value("os"),
      let architecture: String = row.value("architecture")
    else { return nil }
    self.init(name: name, cpus: cpus, os: os, architecture: architecture)
  }
}

extension PathIdentity {
  /// The path of a row; nil where it names none.
  fileprivate init?(_ row: Statement.Row) {
    guard let registry: String = row.value("registry"),
      let blobHost: String = row.value("blobHost"),
      let network: String = row.value("network")
    else { return nil }
    self.init(registry: registry, blobHost: blobHost, network: network)
  }
}
