import ArgumentParser
import CairnKit
import Tuning

/// What every command takes for the bounds of its pools.
enum PoolBounds {
  /// - Throws: `ValidationError` where one cannot be, or does not go with the number of workers.
  static func check(workers: WorkerChoice = .auto, maxWorkers: Int, limitRate: ByteSize?) throws {
    if case .fixed(let count) = workers {
      guard PullOptions.Workers.range.contains(count) else {
        throw ValidationError("--workers takes a number from 1 to 1024, or auto")
      }
      guard maxWorkers == PullLimits().workers else {
        throw ValidationError("--max-workers needs --workers auto")
      }
    }
    guard PullOptions.Workers.range.contains(maxWorkers) else {
      throw ValidationError("--max-workers takes a number from 1 to 1024")
    }
    if let limitRate, limitRate.bytes < 1 {
      throw ValidationError("--limit-rate must be at least 1 byte a second")
    }
  }
}
