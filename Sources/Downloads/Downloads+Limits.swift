import Transfer

extension Downloads {
  /// What bounds the service.
  package struct Limits: Sendable {
    /// Blobs that have their files open at the same time, at least 1.
    package var openBlobs: Int
    /// Blobs that are hashed at the same time, at least 1.
    package var hashing: Int
    /// Seconds for which a path that nobody wants anything from keeps its pool.
    package var idleSeconds = 5.0
    /// Blobs, or decisions, of a path that is never idle after which it is told what it was like so far.
    package var pageEntries = 1_000
    /// Seconds after which it is, too.
    package var pageSeconds = 600.0
    /// Seconds without progress after which another process's blob is taken over.
    package var stallTimeout = Self.usualPatience.seconds
    /// Bytes per second that count as progress then.
    package var minimumRate = Self.usualPatience.rate

    /// Both, as an engine has them for its transfers.
    package static let usualPatience: (seconds: Double, rate: Double) = {
      let usual = TransferSettings()
      return (usual.stallTimeout, usual.minimumRate)
    }()

    /// Makes limits.
    package init(openBlobs: Int, hashing: Int) {
      self.openBlobs = openBlobs
      self.hashing = hashing
    }
  }
}
