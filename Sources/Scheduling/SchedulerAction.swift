package import Tuning

/// What the runner must do.
package enum SchedulerAction: Sendable, Equatable {
  /// Make a request.
  case fetch(Fetch)
  /// End a request; its segment is complete, taken over, or handed back. No event is expected for
  /// it, and what it brought beyond what was reported is asked for again.
  case cancel(RequestID)
  /// The segment now ends at `end` (it gets the bytes after it too).
  case extend(SegmentID, end: Int64)
  /// Every byte of the blob is here.
  case complete(BlobID)
  /// The blob cannot be had; the error is that of the request.
  case giveUp(BlobID, RequestID)
  /// Nothing to do: the policy was asked, and this is what it saw and said.
  case sampled(Sample, PoolDecision)
}
