/// The pure rule that turns samples of a pull into a pool size.
///
/// A policy is a value: it has no clock, no randomness and no effects of its own, so the real pull
/// and a simulation drive the very same code. The scheduler asks it once at the start and then at
/// every sample, and obeys its number: a worker that is to go ends its segment first, or hands it back
/// where that would take long.
package protocol Policy: Sendable {
  /// The policy's name in reports.
  var name: String { get }

  /// The pool size to open with.
  ///
  /// - Parameter opening: what is known before the first request.
  mutating func start(_ opening: Opening) -> PoolDecision

  /// Takes a sample and decides again.
  ///
  /// - Parameter sample: what happened since the sample before.
  mutating func observe(_ sample: Sample) -> PoolDecision
}

/// What is known when the first request could start.
package struct Opening: Sendable, Equatable, Codable {
  /// When the first request could start.
  package var now: Moment
  /// Bytes that the pull has to fetch.
  package var bytes: Int64
  /// Blobs that these bytes are in.
  package var blobs: Int
  /// Seconds of a round trip to the registry, as seen when its documents were fetched.
  package var roundTripSeconds: Double?

  /// Makes an opening; nothing is known until set.
  package init(
    now: Moment = .zero, bytes: Int64 = 0, blobs: Int = 1, roundTripSeconds: Double? = nil
  ) {
    self.now = now
    self.bytes = bytes
    self.blobs = blobs
    self.roundTripSeconds = roundTripSeconds
  }
}

/// A policy's answer: how many workers, how long their segments, and why.
package struct PoolDecision: Sendable, Equatable, Codable {
  /// How many workers are allowed, at least 1.
  package var poolSize: Int
  /// How long one request of a worker should last, in seconds.
  package var segmentSeconds: Double
  /// How much longer a worker that is to go may be busy with its segment, in seconds, before it hands the
  /// rest back; nil: as long as a request should last.
  package var leavingSeconds: Double?
  /// Why, in words for `--explain`.
  package var reason: String
  /// What the policy believes to limit the pull, for traces; nil: it cannot say.
  ///
  /// Verdicts never ask it.
  package var limit: PullRecord.Limit?

  /// Makes a decision.
  ///
  /// - Parameters:
  ///   - poolSize: workers allowed; less than 1 counts as 1.
  ///   - segmentSeconds: wanted duration of one request, in seconds.
  ///   - leavingSeconds: what a worker that is to go may still take, in seconds; nil: as long as that.
  ///   - reason: why, in words.
  ///   - limit: what limits the pull, as far as it is known.
  package init(
    poolSize: Int, segmentSeconds: Double = 3, leavingSeconds: Double? = nil, reason: String,
    limit: PullRecord.Limit? = nil
  ) {
    self.poolSize = max(1, poolSize)
    self.segmentSeconds = segmentSeconds
    self.leavingSeconds = leavingSeconds
    self.reason = reason
    self.limit = limit
  }
}

/// Makes the policy of a path's pool, from the largest size that it may choose and what earlier
/// pulls taught (nil: nothing).
package typealias PolicyMaker = @Sendable (_ maximum: Int, _ prior: Prior?) -> any Policy
