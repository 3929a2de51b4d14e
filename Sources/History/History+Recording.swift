import SQLite
package import Tuning

/// Writing down pulls.
extension History {
  /// One pull, as the history keeps it.
  package struct PullEntry: Sendable {
    /// One blob that was fetched.
    package struct Layer: Sendable {
      /// Its digest.
      package var digest: String
      /// Its size in bytes.
      package var size: Int64
      /// Bytes of it that were fetched.
      package var bytes: Int64
      /// Seconds that took.
      package var seconds: Double
      /// Bytes per second.
      package var rate: Double
      /// Requests that failed.
      package var retries: Int
      /// Whether it arrived whole.
      package var isComplete: Bool

      /// Makes a layer.
      package init(
        digest: String, size: Int64, bytes: Int64, seconds: Double, rate: Double, retries: Int,
        isComplete: Bool
      ) {
        self.digest = digest
        self.size = size
        self.bytes = bytes
        self.seconds = seconds
        self.rate = rate
        self.retries = retries
        self.isComplete = isComplete
      }
    }

    /// The machine that pulled.
    package var machine: MachineIdentity
    /// The way to the blobs.
    package var path: PathIdentity
    /// The URL where the registry's tokens are had; nil: none was named.
    package var tokenRealm: String?
    /// The registry's name there.
    package var tokenService: String?
    /// When it ended, in seconds since 1970.
    package var at: Double
    /// The policy's name.
    package var policy: String
    /// Whether everything arrived.
    package var isComplete: Bool
    /// What there is to learn.
    package var record: PullRecord
    /// Blobs that were fetched.
    package var layers: [Layer]

    /// Makes an entry.
    package init(
      machine: MachineIdentity, path: PathIdentity, at: Double, policy: String, isComplete: Bool,
      record: PullRecord, layers: [Layer]
    ) {
      self.machine = machine
      self.path = path
      self.at = at
      self.policy = policy
      self.isComplete = isComplete
      self.record = record
      self.layers = layers
    }
  }

  /// Writes down a pull, all of it or nothing.
  ///
  /// - Parameter entry: the pull.
  /// - Throws: `HistoryError`.
  package func record(_ entry: PullEntry) throws(HistoryError) {
    try write { db in
      let path = try Self.path(entry.machine, entry.path, at: entry.at, db)
      try db.execute(
        """
        INSERT INTO pull (path, at, seconds, bytes, policy, isComplete, limitedBy, idleRoundTrip)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          path, entry.at, entry.record.seconds, entry.record.bytes, entry.policy,
          entry.isComplete, entry.record.limitedBy?.rawValue, entry.record.idleRoundTripSeconds,
        ])
      let pull = db.lastInsertedRow
      try Self.insert(entry.layers, of: pull, db)
      try Self.insert(entry.record.epochs, of: pull, db)
      try Self.count(path, at: entry.at, limitedBy: entry.record.limitedBy, db)
      try db.execute(
        "UPDATE path SET tokenRealm = ?, tokenService = ? WHERE id = ?",
        [entry.tokenRealm, entry.tokenService, path])
      try Self.limit(path, to: entry.record.ceiling, at: entry.at, db)
      try Self.settle(path, at: entry.at, db)
      try Self.fold(path, db)
      try Self.dropOldPaths(db)
    }
  }

  static func path(
    _ machine: MachineIdentity, _ path: PathIdentity, at now: Double, _ db: Database
  ) throws -> Int64 {
    try PathRows(of: machine, db).id(of: path, at: now)
  }

  private static func insert(_ layers: [PullEntry.Layer], of pull: Int64, _ db: Database) throws {
    let statement = try db.statement(
      """
      INSERT INTO layer (pull, digest, size, bytes, seconds, rate, retries, isComplete)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """)
    for layer in layers {
      try statement.run([
        pull, layer.digest, layer.size, layer.bytes, layer.seconds, layer.rate, layer.retries,
        layer.isComplete,
      ])
    }
  }

  private static func insert(_ epochs: [Epoch], of pull: Int64, _ db: Database) throws {
    let statement = try db.statement(
      """
      INSERT INTO epoch (pull, poolSize, startedAt, seconds, bytes, roundTrip, isAppLimited, reason)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """)
    for epoch in epochs {
      try statement.run([
        pull, epoch.poolSize, epoch.startedAt, epoch.seconds, epoch.bytes, epoch.roundTripSeconds,
        epoch.isAppLimited, epoch.reason,
      ])
    }
  }
}
