import FoundationEssentials

/// Time and chance as the rules of this room get them; tests put their own in place.
package struct Timekeeper: Sendable {
  /// Seconds on a clock that never goes back.
  package var seconds: @Sendable () -> Double = Self.monotonicSeconds
  /// Seconds since 1970, for dates that servers send.
  package var unixSeconds: @Sendable () -> Double = { Date().timeIntervalSince1970 }
  /// Waits for so many seconds before something is done again; throws when the task is cancelled.
  package var sleep: @Sendable (Double) async throws -> Void = Self.systemSleep
  /// Waits until what is under way is late; throws when the task is cancelled.
  ///
  /// Apart from `sleep`: a test that is to go on at once need not make every answer late.
  package var limit: @Sendable (Double) async throws -> Void = Self.systemSleep
  /// A random number from 0 to 1.
  package var random: @Sendable () -> Double = { Double.random(in: 0...1) }

  /// The system's clocks and random numbers.
  package init() {}

  /// Seconds on the system's monotonic clock, since about the start of the process.
  @Sendable package static func monotonicSeconds() -> Double {
    let elapsed = (ContinuousClock.now - start).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
  }

  @Sendable private static func systemSleep(_ seconds: Double) async throws {
    try await Task.sleep(for: .seconds(min(seconds, 1e6)))
  }

  private static let start = ContinuousClock.now
}
