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
