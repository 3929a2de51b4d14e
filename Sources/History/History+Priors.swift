import SQLite
package import Tuning

/// What a pull starts from.
extension History {
  /// The servers with which somebody here last pulled from a registry; nil: not known.
  ///
  /// - Parameters:
  ///   - registry: the registry, as in references.
  ///   - machine: the name of the machine that asks.
  ///   - network: the network that it is in.
  /// - Throws: `HistoryError`.
  package func servers(
    of registry: String, machine: String, network: String
  ) throws(HistoryError) -> RegistryServers? {
    try read { db in
      try db.first(
        """
        SELECT blobHost, tokenRealm, tokenService FROM path
        JOIN machine ON machine.id = path.machine
        WHERE registry = ? AND name = ? AND network = ? AND \(Bounds.isOwn)
        ORDER BY \(Bounds.usedAt) DESC LIMIT 1
        """, [registry, machine, network]
      ) { row in
        row.value("blobHost").map {
          RegistryServers(
            blobHost: $0, tokenRealm: row.value("tokenRealm"),
            tokenService: row.value("tokenService"))
        }
      }
    }
  }

  /// What is known of the way to a registry.
  ///
  /// From this machine's own pulls in this network where there are some; else, as a hint only, from the
  /// same machine with the nearest other CPU count, and then from its other registries.
  ///
  /// - Parameters:
  ///   - machine: which machine asks.
  ///   - registry: the registry's host.
  ///   - network: the network that it is in.
  ///   - now: seconds since 1970.
  /// - Throws: `HistoryError`.
  package func prior(
    machine: MachineIdentity, registry: String, network: String, now: Double
  ) throws(HistoryError) -> Prior? {
    try read { db in
      let own: (path: Int64, isSeen: Bool)? = try db.first(
        """
        SELECT path.id, \(Bounds.isOwn) FROM path JOIN machine ON machine.id = path.machine
        WHERE name = ? AND cpus = ? AND os = ? AND architecture = ? AND registry = ?
          AND network = ? ORDER BY \(Bounds.isOwn) DESC, \(Bounds.usedAt) DESC LIMIT 1
        """,
        [machine.name, machine.cpus, machine.os, machine.architecture, registry, network]
      ) { row in
        let isOwn: Int? = row.value(1)
        return row.value(0).map { ($0, isOwn == 1) }
      }
      if let own, let prior = try Self.prior(of: own.path, at: now, db) { return prior }
      let near: Int64? = try db.first(
        """
        SELECT path.id FROM path JOIN machine ON machine.id = path.machine
        WHERE name = ? AND network = ? AND path.id IS NOT ?
        ORDER BY registry = ? DESC, \(Bounds.isOwn) DESC, abs(CAST(cpus AS REAL) - ?),
          \(Bounds.usedAt) DESC LIMIT 1
        """, [machine.name, network, own?.path, registry, machine.cpus])
      var hint = try near.flatMap { try Self.prior(of: $0, at: now, db) }
      guard hint != nil || own?.isSeen ?? false else { return nil }
      hint = hint ?? Prior(points: [])
      hint?.isOwn = false
      hint?.wasSeen = own?.isSeen ?? false
      // Another registry's limits are its own.
      hint?.ceiling = nil
      return hint
    }
  }
}
