import SQLite
import Tuning

extension History {
  /// What a number in a history or an export can be; nothing else is reckoned with.
  enum Bounds {
    static let poolSizes = 1...100_000
    /// CPUs of a machine.
    static let cpus = 1...1_000_000
    /// Pulls over a path.
    static let pulls = 0...1_000_000_000
    /// Bytes that an epoch brought.
    static let bytes: ClosedRange<Int64> = 0...(1 << 50)
    /// Seconds that an epoch took: below, clocks measure nothing; above, no pool stays as it is.
    static let epochs = 1e-3...1e5
    /// Seconds that a round trip took.
    static let roundTrips = 0.0...1e5
    /// Seconds since 1970, or since a pull began.
    static let times = 0.0...1e11
    /// Bytes per second: one in a quarter of an hour to ten terabytes.
    static let rates = 1e-3...1e13
    /// The natural logarithm of a rate.
    static let logarithms = -7.0...30.0
    /// Seconds of measurement that a pool size has to its name at most: more makes nothing surer,
    /// and what was learned must give way to what is measured.
    static let mostWeight = 10_000.0
    /// Epochs of a pull, and pool sizes of a path, that are read.
    static let mostEpochs = 20_000
    static let mostSizes = 2_000
    /// Sweeps of a path that are kept, and pulls of one that are read.
    static let mostSweeps = 3
    static let mostRuns = 100_000
    /// Bytes of an image's name in a sweep.
    static let mostName = 1_000

    /// Statistics that measurements can have; nil where none can.
    ///
    /// - Parameter most: seconds that they weigh at most; heavier ones are made lighter.
    static func statistics(
      _ known: PathMemory.Statistics, most: Double = mostWeight
    ) -> PathMemory.Statistics? {
      let width = logarithms.upperBound - logarithms.lowerBound
      guard known.weight > 0, known.weight.isFinite, logarithms.contains(known.mean),
        known.squares >= 0, known.squares <= known.weight * width * width, known.busyWeight >= 0
      else { return nil }
      let share = min(1, most / known.weight)
      var usable = PathMemory.Statistics(
        weight: known.weight * share, mean: known.mean, squares: known.squares * share,
        busyWeight: min(known.busyWeight, known.weight) * share)
      usable.pulls = (0...mostWeight).contains(known.pulls) ? known.pulls : 0
      if let bound = known.bound, logarithms.contains(bound), known.boundWeight > 0 {
        (usable.bound, usable.boundWeight) = (bound, min(known.boundWeight, mostWeight))
      }
      return usable
    }

    /// SQL for when a path was used last, in seconds since 1970; 0 where that cannot be.
    static let usedAt = """
      CASE WHEN typeof(path.usedAt) IN ('real', 'integer') AND path.usedAt BETWEEN 0 AND 1e11
        THEN path.usedAt ELSE 0 END
      """
    /// SQL for whether this file's users pulled over a path: what they imported never stands before that.
    static let isOwn = "(typeof(path.pulls) = 'integer' AND path.pulls > 0)"
  }
}

extension Statement.Row {
  /// A column's time in seconds since 1970; 0 where it has none that can be.
  ///
  /// - Parameters:
  ///   - column: its name.
  ///   - now: nothing was learned later, whatever a clock said that was ahead.
  func time(_ column: String, until now: Double = .infinity) -> Double {
    let time: Double = value(column) ?? 0
    return History.Bounds.times.contains(time) ? min(time, max(0, now)) : 0
  }
}
