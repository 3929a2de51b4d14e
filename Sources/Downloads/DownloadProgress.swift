public import OCI

/// How one blob stands.
public struct DownloadProgress: Sendable, Equatable {
  /// What is happening to a blob.
  public enum State: Sendable, Equatable {
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
  public var digest: Digest
  /// Its size in bytes.
  public var size: Int64
  /// Bytes on disk.
  public var done: Int64 = 0
  /// What is happening to it.
  public var state = State.waiting
  /// The process that is fetching it, where it is another and can be told.
  public var process: Int32?
  /// What it cost so far.
  public var cost = Cost()

  /// What downloads cost.
  public struct Cost: Sendable, Equatable {
    /// Bytes fetched.
    public var fetched: Int64 = 0
    /// Requests made.
    public var requests = 0
    /// Connections opened for them.
    public var connections = 0
    /// Requests that failed and were made again.
    public var retries = 0

    /// Makes one of nothing.
    public init() {}

    /// Adds another's.
    public mutating func add(_ other: Cost) {
      fetched += other.fetched
      requests += other.requests
      connections += other.connections
      retries += other.retries
    }
  }
}
