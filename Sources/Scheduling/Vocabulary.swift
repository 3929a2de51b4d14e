package import Tuning

/// Names a blob within one pull.
package struct BlobID: Hashable, Sendable, Comparable {
  /// Position in the order in which blobs were added.
  package let index: Int
  /// Orders by position.
  package static func < (left: BlobID, right: BlobID) -> Bool { left.index < right.index }
  /// Makes an id from a position; used by the scheduler and by tests.
  package init(index: Int) { self.index = index }
}

/// Names a byte range that is being fetched.
package struct SegmentID: Hashable, Sendable {
  /// A number that is never used twice in a pull.
  package let number: Int
}

/// Names one request of one worker; a straggling segment can have two.
package struct RequestID: Hashable, Sendable, Comparable {
  /// A number that is never used twice in a pull.
  package let number: Int
  /// Orders by age, oldest first.
  package static func < (left: RequestID, right: RequestID) -> Bool { left.number < right.number }
}

/// One request to make: which bytes of which blob, and how they came to be asked for.
package struct Fetch: Hashable, Sendable {
  /// Where the segment of this request comes from.
  package enum Origin: Hashable, Sendable {
    /// Bytes that nobody was fetching.
    case pending
    /// The second half of another segment, which must end at this one's start from now on.
    case split(SegmentID)
    /// A second request for a straggler: both write the same segment, each byte once.
    case straggler
  }

  /// The request's name.
  package var request: RequestID
  /// The segment it fills.
  package var segment: SegmentID
  /// The blob it belongs to.
  package var blob: BlobID
  /// The bytes wanted; where the whole blob is asked for, some of them may be here already, and come again.
  package var range: Range<Int64>
  /// False where the server is known not to serve ranges of this blob: ask for all of it, keep `range`.
  package var ranged: Bool
  /// How often nothing came of the same bytes for a whole time limit.
  package var stalls = 0
  /// Where the segment comes from.
  package var origin: Origin
}

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

/// Why a request failed, as far as retrying is concerned.
package enum FetchFailure: Sendable, Equatable {
  /// A retry can help.
  case transient
  /// Nothing, or next to nothing, came for the whole time limit: a retry can help, but costs as much again.
  case stalled
  /// Nobody is there, and nobody was in this run: no such name, or every connection refused.
  case absent
  /// The server refused for load, whatever status it has for that; `retryAfter` in seconds where it said.
  case refused(retryAfter: Double?)
  /// The server failed (5xx), which a retry can help; where it does so again and again it is overloaded.
  case serverError
  /// The server does not serve this range (416): ask for the whole blob.
  case rangeRefused
  /// The answer contradicts the manifest, or denies what was allowed before: somebody on the way
  /// may have made it, so it is asked for a few times more.
  case doubtful
  /// No retry can help.
  case fatal

  /// Whether the server was asked too much, not for the wrong thing.
  var isRefusal: Bool {
    if case .refused = self { true } else { false }
  }
}

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
