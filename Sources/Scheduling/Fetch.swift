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
