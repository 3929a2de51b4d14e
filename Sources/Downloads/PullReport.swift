package import OCI
package import Registry
package import Tuning

/// What downloads over one path were like: for the history, and for whoever wants to know why.
package struct PullReport: Sendable {
  /// One blob that had to be fetched.
  package struct Layer: Sendable {
    /// Its digest.
    package var digest: Digest
    /// Its size in bytes.
    package var size: Int64
    /// Bytes of it that were fetched.
    package var fetched: Int64
    /// Seconds from its first request until it was in the store, or until the downloads ended.
    package var seconds: Double
    /// Requests of it that failed.
    package var retries: Int
    /// Whether it is in the store.
    package var isComplete: Bool

    /// Fetched bytes per second; 0 where nothing was.
    package var rate: Double { seconds > 0 ? Double(fetched) / seconds : 0 }
  }

  /// A pool size that was decided.
  package struct Decision: Sendable {
    /// Seconds since the downloads began.
    package var at: Double
    /// The size and the reason.
    package var decision: PoolDecision
  }

  /// The registry that was pulled from.
  package var registry: String
  /// The policy's name.
  package var policy: String
  /// What there is to learn.
  package var record: PullRecord
  /// Every blob that had to be fetched.
  package var layers: [Layer]
  /// Every change of the pool size or of its reason, in order.
  package var decisions: [Decision]
  /// The host that served most bytes, after redirects; nil: none did.
  package var blobHost: String?
  /// The token service that the registry named; nil: none.
  package var tokenService: TokenService?
  /// Whether everything arrived.
  package var isComplete: Bool
}
