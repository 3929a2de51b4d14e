import Tuning

/// What failed in a row at one place, without progress between.
struct FailureRun: Sendable, Equatable {
  var count = 0
  /// How many of them were doubtful answers.
  var doubts = 0
  /// How many of them refused the range or answered with another one.
  var rangeRefusals = 0
  /// How many of them let a whole time limit pass.
  var stalls = 0
  /// When the last one happened.
  var lastAt: Moment?
  /// Progress since the first one.
  private var headway = Headway()

  /// The run with one more.
  func adding(_ failure: FetchFailure, at now: Moment) -> FailureRun {
    var run = self
    if run.count == 0 { run.headway = Headway(from: now) }
    run.count += 1
    if failure.isDoubt { run.doubts += 1 }
    if failure == .rangeRefused { run.rangeRefusals += 1 }
    if failure == .stalled { run.stalls += 1 }
    run.lastAt = now
    return run
  }

  /// Notes bytes that came: so many that it is over, or too few to count.
  mutating func note(_ bytes: Int64, at now: Moment, minimumRate: Double) {
    guard count > 0, headway.note(bytes, at: now, minimumRate: minimumRate) else { return }
    self = FailureRun()
  }
}

/// A stretch of a blob that nobody is fetching.
struct Piece: Sendable, Equatable {
  var range: Range<Int64>
  var failures = FailureRun()
  /// Not to be asked for before.
  var notBefore = Moment.zero
}

/// What the scheduler knows of one blob.
///
/// Every byte of the blob that is not on disk is at each moment either in a piece of `pending` or in
/// the unfinished part of a segment in flight.
struct BlobState: Sendable {
  let size: Int64
  /// How soon its bytes are needed.
  var urgency = Urgency.whole
  /// What those who read it wait for, in the order in which they came; none: it is read from its head.
  var readers: [Range<Int64>] = []
  /// Sorted by position, disjoint.
  var pending: [Piece]
  var segments: Set<SegmentID> = []
  /// False once the server showed that it does not serve ranges of this blob.
  var ranged = true
  /// True once a range of it brought bytes.
  var servesRanges = false
  /// Doubtful answers at any place of it, since it brought bytes.
  var doubts = 0
  var isOver = false

  init(size: Int64, have: RangeSet<Int64>, isOver: Bool = false) {
    self.size = size
    self.isOver = isOver
    var missing = size > 0 ? RangeSet(0..<size) : RangeSet()
    missing.subtract(have)
    pending = missing.ranges.map { Piece(range: $0) }
  }

  var isComplete: Bool { pending.isEmpty && segments.isEmpty }

  var pendingBytes: Int64 { pending.reduce(0) { $0 + Int64($1.range.count) } }

  /// Index of the first piece that may be asked for now: the one nearest to the blob's head.
  func firstEligible(at now: Moment) -> Int? {
    pending.firstIndex { $0.notBefore <= now }
  }

  /// The byte to ask for next, and its piece: of what may be asked for now, that which a reader
  /// comes to soonest, else the one nearest to the blob's head.
  func next(at now: Moment) -> (index: Int, start: Int64)? {
    if let next = nextRead(at: now) { return (next.index, next.bytes.lowerBound) }
    return firstEligible(at: now).map { ($0, pending[$0].range.lowerBound) }
  }

  /// The bytes to ask for next that somebody reads, and their piece.
  func nextRead(at now: Moment) -> (index: Int, bytes: Range<Int64>)? {
    var best: (index: Int, bytes: Range<Int64>, distance: Int64)?
    for reader in readers {
      guard
        let index = pending.firstIndex(where: {
          $0.notBefore <= now && $0.range.overlaps(reader)
        })
      else { continue }
      let bytes = pending[index].range.clamped(to: reader)
      let distance = bytes.lowerBound - reader.lowerBound
      if distance < best?.distance ?? .max { best = (index, bytes, distance) }
    }
    return best.map { ($0.index, $0.bytes) }
  }

  /// Whether some of it that may be asked for now is needed so soon.
  func needs(_ urgency: Urgency, at now: Moment) -> Bool {
    if urgency == self.urgency { return firstEligible(at: now) != nil }
    return urgency == .read && nextRead(at: now) != nil
  }

  /// Whether a reader waits for a byte that nobody fetches and that may be asked for now.
  func keepsReaderWaiting(at now: Moment) -> Bool {
    readers.contains { reader in
      !reader.isEmpty
        && pending.contains { $0.notBefore <= now && $0.range.contains(reader.lowerBound) }
    }
  }

  /// Cuts a piece in two.
  ///
  /// - Returns: the index of the one that begins at `start`.
  mutating func cut(_ index: Int, at start: Int64) -> Int {
    guard start > pending[index].range.lowerBound else { return index }
    var rest = pending[index]
    rest.range = start..<rest.range.upperBound
    pending[index].range = pending[index].range.lowerBound..<start
    pending.insert(rest, at: index + 1)
    return index + 1
  }

  /// Makes one piece of all that is pending, to be asked for at once.
  ///
  /// What is here between comes along where only the whole blob is to be had.
  ///
  /// - Returns: how many bytes were here.
  mutating func mergePending() -> Int64 {
    guard let first = pending.first, let last = pending.last, pending.count > 1 else { return 0 }
    let range = first.range.lowerBound..<last.range.upperBound
    let again = Int64(range.count) - pendingBytes
    let worst = pending.map(\.failures).max { $0.count < $1.count }
    pending = [Piece(range: range, failures: worst ?? first.failures)]
    return again
  }

  mutating func insert(_ piece: Piece) {
    guard !piece.range.isEmpty else { return }
    let index = pending.firstIndex { $0.range.lowerBound > piece.range.lowerBound }
    pending.insert(piece, at: index ?? pending.endIndex)
  }

  /// Takes up to `length` bytes from the front of a piece; a crumb that would be left is taken too.
  mutating func take(_ index: Int, length: Int64) -> Piece {
    var piece = pending[index]
    let count = Int64(piece.range.count)
    let taken = count - length < length / 2 ? count : length
    let cut = piece.range.lowerBound + taken
    if cut == piece.range.upperBound {
      pending.remove(at: index)
    } else {
      pending[index].range = cut..<piece.range.upperBound
      piece.range = piece.range.lowerBound..<cut
    }
    return piece
  }
}

/// A byte range in flight.
struct SegmentState: Sendable {
  let blob: BlobID
  var range: Range<Int64>
  var position: Int64
  var failures: FailureRun
  var requests: [RequestID]
  /// Whether it is no more than somebody reads of a blob that is needed later.
  var isPart = false
  /// Not to be asked for a second time before: a second request has just failed.
  var repeatNotBefore = Moment.zero
  var rate: RateEstimate
  /// Since when it has been far slower than the others.
  var behindSince: Moment?

  var remaining: Int64 { range.upperBound - position }
}

/// A request in flight.
struct RequestState: Sendable {
  let segment: SegmentID
  var startedAt: Moment
  let startPosition: Int64
  /// Whether a range was asked for, not the whole blob.
  let ranged: Bool
  var respondedAt: Moment?
  /// Whether it went out over a connection.
  var isSent = false
}
