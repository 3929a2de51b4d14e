import SQLite
package import Tuning

/// Sweeps: their pulls are kept as what they are, whole pulls in random order, and not among ordinary ones.
extension History {
  /// One pull of a sweep.
  package struct SweepEntry: Sendable {
    /// The machine that pulled.
    package var machine: MachineIdentity
    /// The way to the blobs.
    package var path: PathIdentity
    /// What tells the sweep from others, even of the same image.
    package var plan: String
    /// The image.
    package var reference: String
    /// When the pull ended, in seconds since 1970.
    package var at: Double
    /// Its pool size, and what it took.
    package var run: SweepEvidence.Run
    /// What else there is to learn from it: round trips and refusals.
    package var record: PullRecord

    /// Makes an entry.
    package init(
      machine: MachineIdentity, path: PathIdentity, plan: String, reference: String, at: Double,
      run: SweepEvidence.Run, record: PullRecord
    ) {
      self.machine = machine
      self.path = path
      self.plan = plan
      self.reference = reference
      self.at = at
      self.run = run
      self.record = record
    }
  }

  /// A sweep, as it is read back.
  struct KnownSweep {
    var evidence: SweepEvidence?
    var idleRoundTripSeconds: Double?
  }

  /// Writes down a pull of a sweep, all of it or nothing.
  ///
  /// - Parameter entry: the pull.
  /// - Throws: `HistoryError`.
  package func record(_ entry: SweepEntry) throws(HistoryError) {
    try write { db in
      let path = try Self.path(entry.machine, entry.path, at: entry.at, db)
      try db.execute(
        """
        INSERT INTO sweep (path, plan, reference, at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (path, plan) DO UPDATE SET at = ?4
        """, [path, entry.plan, entry.reference, entry.at])
      try db.execute(
        """
        INSERT INTO sweepRun (sweep, poolSize, seconds, bytes, idleRoundTrip)
        SELECT id, ?, ?, ?, ? FROM sweep WHERE path = ? AND plan = ?
        """,
        [
          entry.run.poolSize, entry.run.seconds, entry.run.bytes,
          entry.record.idleRoundTripSeconds, path, entry.plan,
        ])
      try Self.count(path, at: entry.at, limitedBy: nil, db)
      try Self.limit(path, to: entry.record.ceiling, at: entry.at, db)
      try db.execute(
        """
        DELETE FROM sweep WHERE path = ?1 AND id NOT IN (
          SELECT id FROM sweep WHERE path = ?1 ORDER BY at DESC, id DESC LIMIT ?2)
        """, [path, Bounds.mostSweeps])
      try Self.settle(path, at: entry.at, db)
      try Self.dropOldPaths(db)
    }
  }

  /// A path's sweeps, newest first.
  static func sweeps(of path: Int64, at now: Double, _ db: Database) throws -> [KnownSweep] {
    let rows = try db.rows(
      "SELECT id, reference, at FROM sweep WHERE path = ? ORDER BY at DESC, id DESC LIMIT ?",
      [path, Bounds.mostSweeps]
    ) { row -> (id: Int64, reference: String, at: Double)? in
      guard let id: Int64 = row.value("id"), let reference: String = row.value("reference"),
        reference.utf8.count <= Bounds.mostName
      else { return nil }
      return (id, reference, row.time("at", until: now))
    }
    return try rows.map { sweep in
      var known = KnownSweep()
      let runs = try db.rows(
        "SELECT poolSize, seconds, bytes, idleRoundTrip FROM sweepRun WHERE sweep = ? LIMIT ?",
        [sweep.id, Bounds.mostRuns]
      ) { row -> SweepEvidence.Run? in
        guard let size: Int = row.value("poolSize"), Bounds.poolSizes.contains(size),
          let seconds: Double = row.value("seconds"), Bounds.epochs.contains(seconds),
          let bytes: Int64 = row.value("bytes"), Bounds.bytes.contains(bytes),
          Bounds.rates.contains(Double(bytes) / seconds)
        else { return nil }
        if let idle: Double = row.value("idleRoundTrip"), Bounds.roundTrips.contains(idle) {
          known.idleRoundTripSeconds = min(idle, known.idleRoundTripSeconds ?? idle)
        }
        return SweepEvidence.Run(poolSize: size, seconds: seconds, bytes: bytes)
      }
      known.evidence = SweepEvidence(
        reference: sweep.reference, runs: runs, age: max(0, now - sweep.at))
      return known
    }
  }

  /// Counts a pull over a path.
  static func count(
    _ path: Int64, at now: Double, limitedBy limit: PullRecord.Limit?, _ db: Database
  ) throws {
    try db.execute(
      """
      UPDATE path SET pulls = CASE WHEN typeof(pulls) = 'integer' AND pulls BETWEEN 0 AND 1e8
          THEN pulls + 1 ELSE 1 END, usedAt = ?, limitedBy = coalesce(?, limitedBy)
      WHERE id = ?
      """, [now, limit?.rawValue, path])
  }

  /// Remembers that a server refused more than so many requests.
  static func limit(_ path: Int64, to ceiling: Int?, at now: Double, _ db: Database) throws {
    guard let ceiling else { return }
    try db.execute(
      "INSERT OR REPLACE INTO ceiling (path, poolSize, at) VALUES (?, ?, ?)", [path, ceiling, now])
  }
}
