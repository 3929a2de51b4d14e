public import OCI
public import Registry
public import Tuning

/// What downloads over one path were like: for the history, and for whoever wants to know why.
public struct PullReport: Sendable {
  /// One blob that had to be fetched.
  public struct Layer: Sendable {
    /// Its digest.
    public var digest: Digest
    /// Its size in bytes.
    public var size: Int64
    /// Bytes of it that were fetched.
    public var fetched: Int64
    /// Seconds from its first request until it was in the store, or until the downloads ended.
    public var seconds: Double
    /// Requests of it that failed.
    public var retries: Int
    /// Whether it is in the store.
    public var isComplete: Bool

    /// Fetched bytes per second; 0 where nothing was.
    public var rate: Double { seconds > 0 ? Double(fetched) / seconds : 0 }
  }

  /// A pool size that was decided.
  public struct Decision: Sendable {
    /// Seconds since the downloads began.
    public var at: Double
    /// The size and the reason.
    public var decision: PoolDecision
  }

  /// The registry that was pulled from.
  public var registry: String
  /// The policy's name.
  public var policy: String
  /// What there is to learn.
  public var record: PullRecord
  /// Every blob that had to be fetched.
  public var layers: [Layer]
  /// Every change of the pool size or of its reason, in order.
  public var decisions: [Decision]
  /// The host that served most bytes, after redirects; nil: none did.
  public var blobHost: String?
  /// The token service that the registry named; nil: none.
  public var tokenService: TokenService?
  /// Whether everything arrived.
  public var isComplete: Bool
}
