import Glibc
import SQLite
import Tuning

/// Reading back what was written down.
///
/// The file may have been changed by anybody: rows with values that no pull has are passed over, so
/// that no rule meets a number that it cannot reckon with.
extension History {
  /// Own seconds of measurement from which on a path does without what others learned.
  private static let enoughOwn = 60.0

  static func epochs(of pull: Int64, _ statement: Statement) throws -> [Epoch] {
    // By place, not by name: a report reads hundreds of thousands of these.
    var epochs: [Epoch] = []
    try statement.run([pull, Bounds.mostEpochs]) { row in
      guard let size: Int = row.value(0), Bounds.poolSizes.contains(size),
        let startedAt: Double = row.value(1), Bounds.times.contains(startedAt),
        let seconds: Double = row.value(2), Bounds.epochs.contains(seconds),
        let bytes: Int64 = row.value(3), Bounds.bytes.contains(bytes),
        bytes == 0 || Bounds.rates.contains(Double(bytes) / seconds)
      else { return true }
      let roundTrip: Double? = row.value(4)
      epochs.append(
        Epoch(
          poolSize: size, startedAt: startedAt, seconds: seconds, bytes: bytes,
          roundTripSeconds: roundTrip.flatMap { Bounds.roundTrips.contains($0) ? $0 : nil },
          isAppLimited: row.value(5) ?? true, reason: row.value(6) ?? ""))
      return true
    }
    return epochs
  }

  /// What reads a pull's epochs: prepared once for all pulls.
  static func epochStatement(_ db: Database) throws -> Statement {
    try db.statement(
      """
      SELECT poolSize, startedAt, seconds, bytes, roundTrip, isAppLimited, reason
      FROM epoch WHERE pull = ? ORDER BY startedAt LIMIT ?
      """)
  }

  /// What was folded, oldest first.
  static func aggregates(
    of path: Int64, isImported: Bool, at now: Double, _ db: Database
  ) throws -> [(poolSize: Int, statistics: PathMemory.Statistics, at: Double)] {
    try db.rows(
      """
      SELECT poolSize, at, weight, mean, squares, busyWeight, pulls, bound, boundWeight FROM aggregate
      WHERE path = ? AND isImported = ? LIMIT ?
      """, [path, isImported, Bounds.mostSizes]
    ) { row in
      guard let size: Int = row.value("poolSize"), Bounds.poolSizes.contains(size),
        let weight: Double = row.value("weight"), let mean: Double = row.value("mean"),
        let squares: Double = row.value("squares"), let busy: Double = row.value("busyWeight")
      else { return nil }
      var folded = PathMemory.Statistics(
        weight: weight, mean: mean, squares: squares, busyWeight: busy)
      folded.pulls = row.value("pulls") ?? 0
      folded.bound = row.value("bound")
      folded.boundWeight = row.value("boundWeight") ?? 0
      let most = isImported ? importedWeight : Bounds.mostWeight
      guard let known = Bounds.statistics(folded, most: most) else { return nil }
      return (size, known, row.time("at", until: now))
    }.sorted { $0.at < $1.at }
  }

  /// What was learned of a path from pulls over it.
  static func ownMemory(of path: Int64, at now: Double, _ db: Database) throws -> PathMemory {
    var memory = PathMemory()
    for known in try aggregates(of: path, isImported: false, at: now, db) {
      memory.merge([known.poolSize: known.statistics], at: known.at)
    }
    let epochs = try epochStatement(db)
    // What is older is about to be folded.
    try db.statement(
      """
      SELECT id, at, idleRoundTrip, limitedBy FROM (
        SELECT id, at, idleRoundTrip, limitedBy FROM pull WHERE path = ?
        ORDER BY at DESC LIMIT ?)
      ORDER BY at
      """
    ).run([path, keptPulls]) { row in
      guard let id: Int64 = row.value("id") else { return true }
      let idle: Double? = row.value("idleRoundTrip")
      let limit: String? = row.value("limitedBy")
      let record = PullRecord(
        seconds: 0, bytes: 0, epochs: try Self.epochs(of: id, epochs),
        idleRoundTripSeconds: idle.flatMap { Bounds.roundTrips.contains($0) ? $0 : nil },
        limitedBy: limit.flatMap { PullRecord.Limit(rawValue: $0) })
      memory.learn(record, at: row.time("at", until: now))
      return true
    }
    for sweep in try sweeps(of: path, at: now, db) { memory.noteIdle(sweep.idleRoundTripSeconds) }
    try db.statement("SELECT poolSize, at FROM ceiling WHERE path = ?").run([path]) { row in
      // One that is dated far ahead would not end before that.
      if let size: Int = row.value("poolSize"), Bounds.poolSizes.contains(size),
        row.time("at") < now + PathMemory.ceilingLife
      {
        memory.limit(to: size, at: row.time("at", until: now))
      }
      return true
    }
    return memory
  }

  /// Everything that is known of a path.
  ///
  /// What others learned is what a machine begins with, and counts less the more it has measured
  /// itself: nobody knows how true it is, and it must not hold a path for longer than that takes.
  static func memory(of path: Int64, at now: Double, _ db: Database) throws -> PathMemory {
    var memory = try ownMemory(of: path, at: now, db)
    let own = memory.prior(at: now)?.points.reduce(0) { $0 + $1.weight } ?? 0
    let room = max(0, 1 - own / enoughOwn)
    guard room > 0 else { return memory }
    for known in try aggregates(of: path, isImported: true, at: now, db) {
      let age = max(0, memory.learnedAt - known.at)
      let share = room * exp2(-age / PathMemory.halfLife)
      var weaker = known.statistics
      weaker.fade(by: share)
      memory.merge([known.poolSize: weaker], at: max(known.at, memory.learnedAt))
    }
    return memory
  }

  /// What a pull over a path starts from; nil where nothing was learned.
  static func prior(of path: Int64, at now: Double, _ db: Database) throws -> Prior? {
    let sweeps = try sweeps(of: path, at: now, db).compactMap(\.evidence)
    let memory = try memory(of: path, at: now, db)
    guard var prior = memory.prior(at: now) else {
      guard !sweeps.isEmpty else { return nil }
      var prior = Prior(points: [], idleRoundTripSeconds: memory.idle)
      prior.sweeps = sweeps
      return prior
    }
    prior.sweeps = sweeps
    return prior
  }
}
