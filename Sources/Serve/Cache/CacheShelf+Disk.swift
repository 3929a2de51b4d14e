import OCI

/// What the disk bounds, beside the limit.
extension CacheShelf {
  /// The most bytes of the disk that stay free.
  private static let spare: Int64 = 64 << 20

  /// The most bytes that there may be now: no more than the limit, and no more than fit on the disk.
  var bound: Int64? { [limit, most].compactMap(\.self).min() }

  /// Takes in how much the disk has.
  ///
  /// A little of it stays free: for what is written beside blobs, and for who measures in other blocks.
  ///
  /// - Parameters:
  ///   - free: bytes that can still be written to it; nil: it does not say.
  ///   - arrived: bytes of what is reserved that are written.
  mutating func measure(free: Int64?, arrived: Int64) {
    let coming = max(0, reserved.addingClamped(-arrived))
    most = free.map { free in
      let room = bytes.addingClamped(-coming).addingClamped(free)
      return room.addingClamped(-min(Self.spare, room / 20))
    }
  }
}
