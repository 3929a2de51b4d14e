import ArgumentParser
import CairnKit

/// What every command takes for the bounds of its pools.
enum PoolBounds {
  /// - Throws: `ValidationError` where one cannot be.
  static func check(maxWorkers: Int, limitRate: ByteSize?) throws {
    guard PullOptions.Workers.range.contains(maxWorkers) else {
      throw ValidationError("--max-workers takes a number from 1 to 1024")
    }
    if let limitRate, limitRate.bytes < 1 {
      throw ValidationError("--limit-rate must be at least 1 byte a second")
    }
  }
}
