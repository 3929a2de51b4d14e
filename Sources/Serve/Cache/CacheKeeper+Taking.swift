package import Store

extension CacheKeeper {
  /// What is in the cache now.
  package var figures: Figures {
    shelf.withLock {
      Figures(
        blobs: $0.count, bytes: $0.bytes, limit: $0.limit, evictions: $0.gone.blobs,
        evictedBytes: $0.gone.bytes)
    }
  }

  /// Where a blob is to be had from.
  package enum Taking: Sendable {
    /// From the disk; the hold is nil for a blob of the user's store.
    case file(BlobReader, CacheHold?)
    /// From upstream, into the cache, where there is room for it now.
    case room(CacheHold)
    /// From upstream alone: it is larger than the cache, or everything in there is in use.
    case noRoom
  }

  /// What is in the cache.
  package struct Figures: Sendable, Equatable {
    /// Blobs that are there or coming.
    package var blobs: Int
    /// Bytes on the disk, and reserved there.
    package var bytes: Int64
    /// The most that may be.
    package var limit: Int64?
    /// Blobs that were removed, and their bytes.
    package var evictions: Int64
    package var evictedBytes: Int64
  }
}
