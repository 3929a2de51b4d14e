import SQLite
import Tuning

/// Reading back what was written down.
///
/// The file may have been changed by anybody: rows with values that no pull has are passed over, so that no rule
/// meets a number that it cannot reckon with.
extension History {
  static func epochs(of pull: Int64, _ statement: Statement) throws -> [Epoch] {
    // By place, not by name: a report reads hundreds of thousands of these.
    var epochs: [Epoch] = []
    try statement.run([pull]) { row in
      guard let size: Int = row.value(0), Bounds.poolSizes.contains(size),
        let startedAt: Double = row.value(1), Bounds.times.contains(startedAt),
        let seconds: Double = row.value(2), seconds >= Bounds.shortest,
        Bounds.spans.contains(seconds),
        let bytes: Int64 = row.value(3), Bounds.bytes.contains(bytes)
      else { return true }
      let roundTrip: Double? = row.value(4)
      epochs.append(
        Epoch(
          poolSize: size, startedAt: startedAt, seconds: seconds, bytes: bytes,
          roundTripSeconds: roundTrip.flatMap { Bounds.spans.contains($0) ? $0 : nil },
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
      FROM epoch WHERE pull = ? ORDER BY startedAt
      """)
  }

  static func restoreAggregates(
    _ path: Int64, isImported: Bool, into memory: inout PathMemory, _ db: Database
  ) throws {
    try db.statement("SELECT * FROM aggregate WHERE path = ? AND isImported = ? ORDER BY at")
      .run([path, isImported]) { row in
        guard let size: Int = row.value("poolSize"), Bounds.poolSizes.contains(size),
          let weight: Double = row.value("weight"), weight > 0, weight < Bounds.weight,
          let mean: Double = row.value("mean"), abs(mean) < Bounds.logarithm,
          let squares: Double = row.value("squares"), squares >= 0, squares < Bounds.squares,
          let busy: Double = row.value("busyWeight"), busy >= 0
        else { return true }
        memory.merge(
          [
            size: PathMemory.Statistics(
              weight: weight, mean: mean, squares: squares, busyWeight: min(busy, weight))
          ], at: row.time("at"))
        return true
      }
  }

  /// Everything that is known of a path.
  static func memory(of path: Int64, _ db: Database) throws -> PathMemory {
    var memory = PathMemory()
    try restoreAggregates(path, isImported: true, into: &memory, db)
    try restoreAggregates(path, isImported: false, into: &memory, db)
    let epochs = try epochStatement(db)
    // What is older is about to be folded.
    try db.statement(
      """
      SELECT id, at, idleRoundTrip FROM (
        SELECT id, at, idleRoundTrip FROM pull WHERE path = ? ORDER BY at DESC LIMIT ?)
      ORDER BY at
      """
    ).run([path, keptPulls]) { row in
      guard let id: Int64 = row.value("id") else { return true }
      let idle: Double? = row.value("idleRoundTrip")
      let record = PullRecord(
        seconds: 0, bytes: 0, epochs: try Self.epochs(of: id, epochs),
        idleRoundTripSeconds: idle.flatMap { Bounds.spans.contains($0) ? $0 : nil })
      memory.learn(record, at: row.time("at"))
      return true
    }
    try db.statement("SELECT poolSize, at FROM ceiling WHERE path = ?").run([path]) { row in
      if let size: Int = row.value("poolSize"), Bounds.poolSizes.contains(size) {
        memory.limit(to: size, at: row.time("at"))
      }
      return true
    }
    return memory
  }

  /// What a number can be.
  enum Bounds {
    static let poolSizes = 1...100_000
    /// CPUs of a machine.
    static let cpus = 1...1_000_000
    /// Bytes that an epoch brought.
    static let bytes: ClosedRange<Int64> = 0...(1 << 50)
    /// Seconds that something took.
    static let spans = 0.0...1e8
    /// Seconds that an epoch has at least.
    static let shortest = 1e-3
    /// Seconds since 1970, or since a pull began.
    static let times = 0.0...1e11
    /// Seconds of measurement, and what is summed up over them.
    static let weight = 1e12
    static let logarithm = 50.0
    static let squares = 1e15
  }
}

extension Statement.Row {
  /// A column's time in seconds since 1970; 0 where it has none that can be.
  ///
  /// - Parameter column: its name.
  func time(_ column: String) -> Double {
    let time: Double = value(column) ?? 0
    return History.Bounds.times.contains(time) ? time : 0
  }
}
