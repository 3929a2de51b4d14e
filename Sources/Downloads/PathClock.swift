import Tuning

/// A path's own time: it stands still while nothing is wanted over the path.
///
/// So a pause between two images is no slow stretch to a policy, and the record of a path says
/// nothing of when nobody asked.
struct PathClock {
  private let start = ContinuousClock.now
  private var paused = Duration.zero
  private var pausedAt: ContinuousClock.Instant?

  /// Now, in the path's own time.
  var now: Moment {
    let elapsed = ((pausedAt ?? .now) - start - paused).components
    return Moment(
      nanoseconds: elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000)
  }

  /// Seconds for which it has stood still; nil while it runs.
  var idleSeconds: Double? { pausedAt.map { ($0.duration(to: .now)) / .seconds(1) } }

  /// Stops it.
  mutating func pause() { pausedAt = pausedAt ?? .now }

  /// Lets it go on.
  mutating func resume() {
    if let since = pausedAt { paused += since.duration(to: .now) }
    pausedAt = nil
  }
}
