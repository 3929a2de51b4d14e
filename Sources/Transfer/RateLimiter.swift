/// A token bucket that bounds the rate of a whole pull.
///
/// A chunk is let through while the bucket is not in debt and may put it there, so the mean is
/// exact whatever the size of chunks.
package struct RateLimiter: Sendable, Equatable {
  /// Bytes per second.
  package let bytesPerSecond: Double
  private var tokens: Double
  private var filledAt: Double

  /// Seconds of traffic that an idle bucket saves up.
  package static let burstSeconds = 0.05

  /// Makes a full bucket.
  ///
  /// - Parameters:
  ///   - bytesPerSecond: the limit, at least 1.
  ///   - now: the present, in seconds on any clock.
  package init(bytesPerSecond: Double, now: Double) {
    self.bytesPerSecond = max(1, bytesPerSecond)
    tokens = self.bytesPerSecond * Self.burstSeconds
    filledAt = now
  }

  /// Seconds to wait before the next chunk may pass; 0 when it may now.
  package mutating func delay(now: Double) -> Double {
    let capacity = bytesPerSecond * Self.burstSeconds
    tokens = min(capacity, tokens + max(0, now - filledAt) * bytesPerSecond)
    filledAt = now
    return tokens > 0 ? 0 : (1 - tokens) / bytesPerSecond
  }

  /// Notes bytes that passed.
  package mutating func spend(_ bytes: Int) { tokens -= Double(bytes) }
}
