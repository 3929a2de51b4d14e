package import Tuning

/// What happened to a pull's requests.
package enum SchedulerEvent: Sendable, Equatable {
  /// The response's head arrived; seconds to connect when a connection was opened for it.
  case responded(RequestID, connectSeconds: Double?)
  /// The request leaves only now: where its blob is had to be found out first.
  case sent(RequestID)
  /// All bytes of the segment before `position` are on disk.
  case advanced(SegmentID, position: Int64)
  /// The server ignored the range and sends the whole blob from its first byte.
  case wholeBody(RequestID)
  /// The segment's end was reached, or its end moved before what it had.
  case finished(RequestID)
  /// The request ended without reaching the segment's end.
  case failed(RequestID, FetchFailure)
  /// The split could not be made any more: the older segment has passed the point, and its bytes
  /// before `position` are on disk.
  case splitMissed(SegmentID, older: SegmentID, position: Int64)
  /// The blob's bytes are all here but have the wrong digest: fetch all of it again.
  case damaged(BlobID)
  /// Nobody wants these blobs any more, or they are as they should be: requests of theirs end, what
  /// is missing of them is not fetched, and nothing more is known of them.
  case left([BlobID])
  /// The blob's bytes are needed sooner, or later, than before.
  case urgency(BlobID, Urgency)
  /// What those who read the blob's bytes wait for, each from the first one on, and whether any of them
  /// reads a little here and there.
  case readers(BlobID, [Range<Int64>], areShort: Bool = false)
  /// Somebody else can be asked for what the request is to bring, who could not be when it was made.
  case joined(RequestID)
  /// What the runner measured of its connections and of itself; for the next sample.
  case measured(Readings)
  /// Time passed.
  case tick
}
