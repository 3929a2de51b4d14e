import Tuning

/// What of a segment may become another worker's.
package struct SplitSettings: Sendable, Equatable {
  /// Smallest half, in bytes: less is on its way already.
  package var minimum: Int64 = 16 << 10
  /// What is busy for longer than this is split whatever its size, down to ``smallest``; in seconds.
  package var longest = 3.0
  /// Smallest half of what is that slow, in bytes.
  package var smallest: Int64 = 4 << 10
}

/// What bounds the scheduler's choices.
package struct SchedulerSettings: Sendable, Equatable {
  /// Shortest segment cut from pending bytes, in bytes.
  package var minimumSegment: Int64 = 64 << 10
  /// First segments, while nothing is known of a worker's rate, in bytes.
  package var firstSegment: Int64 = 1 << 20
  /// A blob up to this size is one request, in bytes.
  package var wholeBlob: Int64 = 1 << 20
  /// Longest segment, in bytes.
  package var maximumSegment: Int64 = 64 << 20
  /// How many times as long as its request waits for its first byte a segment lasts, at least.
  package var requestsWorth = 5.0
  /// What may be split.
  package var splits = SplitSettings()
  /// Failures without a byte of progress before a blob is given up.
  package var retries = 8
  /// Doubtful answers without a byte of progress before a blob is given up.
  package var doubts = 5
  /// Time limits that a server may let pass one after the other before a blob is given up; twice as
  /// many for the same bytes where others get on.
  package var stalls = 3
  /// Bytes per second that count as progress: failures between which less came are in a row.
  package var minimumRate = 512.0
  /// Back-off after the first failure, in seconds; doubled for each further one.
  package var backoff = 0.5
  /// Longest back-off, in seconds.
  package var maximumBackoff = 15.0
  /// Longest `Retry-After` that is obeyed, in seconds; beyond it the pull ends and says so.
  package var maximumRetryAfter = 600.0
  /// Seconds between samples for the policy.
  package var sampleSeconds = Sample.interval

  /// The defaults.
  package init() {}
}
