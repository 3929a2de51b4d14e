import Tuning

/// Time, as those hear of it who do something as it passes: a tick for every sample.
struct Heartbeat {
  /// Ticks that were heard.
  var ticks = 0
  /// What ticks; nil: nothing does.
  private(set) var ticker: Task<Void, Never>?

  /// Ticks until it is stopped, where it does not tick already.
  mutating func start(_ tick: @escaping @Sendable () -> Void) {
    guard ticker == nil else { return }
    ticker = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(Sample.interval))
        tick()
      }
    }
  }

  /// Is silent until it is started again.
  mutating func stop() {
    ticker?.cancel()
    ticker = nil
  }
}
