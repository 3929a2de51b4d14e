extension CacheKeeper {
  /// Sweeps now and then, until it is cancelled.
  ///
  /// - Parameter also: what is done then, too.
  package func run(_ also: @Sendable () -> Void = {}) async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(Self.sweepSeconds))
      sweep()
      also()
    }
  }

  private static let sweepSeconds = 15.0
}
