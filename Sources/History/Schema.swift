import SQLite

/// The database's tables, by numbered migrations; a migration that was released is never changed.
enum Schema {
  static let migrator = Migrator(versions)

  /// What is read from and written to: a file that lost some of it has damage.
  private static let columns = [
    "machine": "id, name, cpus, os, architecture",
    "path": """
    id, machine, registry, blobHost, network, pulls, usedAt, limitedBy, tokenRealm, tokenService
    """,
    "pull": "id, path, at, seconds, bytes, policy, isComplete, limitedBy, idleRoundTrip",
    "layer": "pull, digest, size, bytes, seconds, rate, retries, isComplete",
    "epoch": "pull, poolSize, startedAt, seconds, bytes, roundTrip, isAppLimited, reason",
    "aggregate": """
    path, poolSize, isImported, at, weight, mean, squares, busyWeight, pulls, bound, boundWeight
    """,
    "sweep": "id, path, plan, reference, at",
    "sweepRun": "sweep, poolSize, seconds, bytes, idleRoundTrip",
    "ceiling": "path, poolSize, at",
  ]

  /// Looks whether everything is there.
  ///
  /// - Throws: `DatabaseError`, of kind `corrupt` where something is not.
  static func check(_ db: Database) throws(DatabaseError) {
    for (table, columns) in columns {
      do throws(DatabaseError) {
        _ = try db.statement("SELECT \(columns) FROM \(table)")
      } catch {
        throw error.kind == .other ? DatabaseError.corrupt(error.description) : error
      }
    }
  }

  private static let versions: [Migrator.Step] = [
    (
      "1",
      """
      CREATE TABLE machine (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, cpus INTEGER NOT NULL, os TEXT NOT NULL,
        architecture TEXT NOT NULL, UNIQUE (name, cpus, os, architecture));
      CREATE TABLE path (
        id INTEGER PRIMARY KEY, machine INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
        registry TEXT NOT NULL, blobHost TEXT NOT NULL, network TEXT NOT NULL,
        pulls INTEGER NOT NULL DEFAULT 0, usedAt REAL NOT NULL, limitedBy TEXT,
        UNIQUE (machine, registry, blobHost, network));
      CREATE TABLE pull (
        id INTEGER PRIMARY KEY, path INTEGER NOT NULL REFERENCES path ON DELETE CASCADE,
        at REAL NOT NULL, seconds REAL NOT NULL, bytes INTEGER NOT NULL, policy TEXT NOT NULL,
        isComplete INTEGER NOT NULL, limitedBy TEXT, idleRoundTrip REAL);
      CREATE INDEX pullByPath ON pull (path, at);
      CREATE TABLE layer (
        pull INTEGER NOT NULL REFERENCES pull ON DELETE CASCADE, digest TEXT NOT NULL,
        size INTEGER NOT NULL, bytes INTEGER NOT NULL, seconds REAL NOT NULL,
        rate REAL NOT NULL, retries INTEGER NOT NULL, isComplete INTEGER NOT NULL);
      CREATE INDEX layerByPull ON layer (pull);
      CREATE TABLE epoch (
        pull INTEGER NOT NULL REFERENCES pull ON DELETE CASCADE, poolSize INTEGER NOT NULL,
        startedAt REAL NOT NULL, seconds REAL NOT NULL, bytes INTEGER NOT NULL,
        roundTrip REAL, isAppLimited INTEGER NOT NULL, reason TEXT NOT NULL);
      CREATE INDEX epochByPull ON epoch (pull);
      CREATE TABLE aggregate (
        path INTEGER NOT NULL REFERENCES path ON DELETE CASCADE, poolSize INTEGER NOT NULL,
        isImported INTEGER NOT NULL, at REAL NOT NULL, weight REAL NOT NULL,
        mean REAL NOT NULL, squares REAL NOT NULL,
        PRIMARY KEY (path, poolSize, isImported));
      CREATE TABLE ceiling (
        path INTEGER PRIMARY KEY REFERENCES path ON DELETE CASCADE, poolSize INTEGER NOT NULL,
        at REAL NOT NULL);
      """
    ),
    // What was folded before cannot be told apart any more: it counts as measured.
    (
      "2",
      """
      ALTER TABLE aggregate ADD COLUMN busyWeight REAL NOT NULL DEFAULT 0;
      UPDATE aggregate SET busyWeight = weight;
      """
    ),
    (
      "3",
      """
      ALTER TABLE path ADD COLUMN tokenRealm TEXT;
      ALTER TABLE path ADD COLUMN tokenService TEXT;
      """
    ),
    // Sweeps, and lower bounds apart from measurements.
    (
      "4",
      """
      ALTER TABLE aggregate ADD COLUMN pulls REAL;
      ALTER TABLE aggregate ADD COLUMN bound REAL;
      ALTER TABLE aggregate ADD COLUMN boundWeight REAL;
      CREATE TABLE sweep (
        id INTEGER PRIMARY KEY, path INTEGER NOT NULL REFERENCES path ON DELETE CASCADE,
        plan TEXT NOT NULL, reference TEXT NOT NULL, at REAL NOT NULL, UNIQUE (path, plan));
      CREATE TABLE sweepRun (
        sweep INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE, poolSize INTEGER NOT NULL,
        seconds REAL NOT NULL, bytes INTEGER NOT NULL, idleRoundTrip REAL);
      CREATE INDEX sweepRunBySweep ON sweepRun (sweep);
      """
    ),
  ]
}
