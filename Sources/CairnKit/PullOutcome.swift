import Downloads
import OCI
import Progress

/// What the pull of an image came to.
public struct PullOutcome: Sendable, Hashable {
  /// A pool size that was decided, and why.
  public struct Decision: Sendable, Hashable {
    /// Seconds since the downloads from the image's registry began.
    public var seconds: Double
    /// Downloads that were allowed from then on.
    public var workers: Int
    /// The reason, for people.
    public var reason: String
  }

  /// The image as it was named.
  public var image: String
  /// The digest of what the name means: of the index, where it is one.
  public var digest: String
  /// The digest of the platform's manifest, where that is another; nil: all of an index was pulled,
  /// or there is none.
  public var platformDigest: String?
  /// The platform; nil: all of them, or not known.
  public var platform: String?
  /// Blobs of the image: its configuration and layers.
  public var blobs: Int
  /// Blobs of them that were in the store before.
  public var blobsPresent: Int
  /// Blobs of them that were on their way already, for another image of the same call.
  public var blobsShared: Int
  /// Sum of the blobs' sizes, in bytes.
  public var bytes: Int64
  /// Bytes that were fetched for this image.
  public var bytesFetched: Int64
  /// Seconds from its start to its end.
  public var seconds: Double
  /// Requests for blobs.
  public var requests: Int
  /// Connections that were opened for them.
  public var connections: Int
  /// Requests for blobs that failed; most were made again.
  public var retries: Int
  /// Downloads that were allowed at the end; 0 where nothing had to be fetched.
  public var workers: Int
  /// What limited the downloads, for people; nil where that is not clear.
  public var limitedBy: String?
  /// Every change of the number of parallel downloads from the image's registry, in order.
  public var decisions: [Decision]

  init(_ summary: ProgressEvent.Summary, _ decisions: [PullReport.Decision]) {
    image = summary.reference
    digest = summary.digest.description
    platformDigest = summary.platformDigest?.description
    platform = summary.platform
    blobs = summary.blobs
    blobsPresent = summary.blobsPresent
    blobsShared = summary.blobsShared
    bytes = summary.bytes
    bytesFetched = summary.fetched
    seconds = summary.seconds
    requests = summary.requests
    connections = summary.connections
    retries = summary.retries
    workers = summary.poolSize
    limitedBy = summary.limitedBy
    self.decisions = decisions.map {
      Decision(seconds: $0.at, workers: $0.decision.poolSize, reason: $0.decision.reason)
    }
  }
}
