package import OCI

/// How one blob stands.
package struct DownloadProgress: Sendable, Equatable {
  /// What is happening to a blob.
  package enum State: Sendable, Equatable {
    /// It will be fetched.
    case waiting
    /// Its bytes are arriving.
    case fetching
    /// Another process on this machine is fetching it.
    case elsewhere
    /// Its bytes are here and are being hashed.
    case verifying
    /// It was fetched and is in the store.
    case done
    /// It was in the store before.
    case present
  }

  /// Its digest.
  package var digest: Digest
  /// Tells it from others of the same blob.
  package var number = 0
  /// Its size in bytes.
  package var size: Int64
  /// Bytes on disk.
  package var done: Int64 = 0
  /// What is happening to it.
  package var state = State.waiting
  /// The process that is fetching it, where it is another and can be told.
  package var process: Int32?
  /// Whether somebody has stopped that process.
  package var isStopped = false
  /// What it cost so far.
  package var cost = Cost()

  /// What downloads cost.
  package struct Cost: Sendable, Equatable {
    /// Bytes fetched.
    package var fetched: Int64 = 0
    /// Requests made.
    package var requests = 0
    /// Connections opened for them.
    package var connections = 0
    /// Requests for blobs that failed; most were made again.
    package var retries = 0

    /// Makes one of nothing.
    package init() {}

    /// Adds another's.
    package mutating func add(_ other: Cost) {
      fetched += other.fetched
      requests += other.requests
      connections += other.connections
      retries += other.retries
    }
  }
}
