import OCI
import Progress

/// What a pull tells while it runs.
public enum PullEvent: Sendable, Hashable {
  /// The pull of an image begins.
  case started(image: String)
  /// It is known what the image is.
  case resolved(Resolved)
  /// So many downloads may run in parallel from now on, for that reason.
  case workers(Int, reason: String)
  /// How all of it stands; several a second.
  case progress(Progress)
  /// Something that a person may want to know: a warning, a wait, a mirror that is given up. A line.
  case notice(String)
  /// An output was written.
  case wrote(output: String)

  /// What an image's name means.
  public struct Resolved: Sendable, Hashable {
    /// The image as it was named.
    public var image: String
    /// The digest of what the name means: of the index, where it is one.
    public var digest: String
    /// The digest of the platform's manifest, where that is another.
    public var platformDigest: String?
    /// The platform; nil: all of them, or not known.
    public var platform: String?
    /// Blobs of the image: its configuration and layers.
    public var blobs: Int
    /// Sum of their sizes, in bytes.
    public var bytes: Int64
    /// Bytes of them that are in the store already.
    public var bytesPresent: Int64
  }

  /// How the images of a call stand.
  public struct Progress: Sendable, Hashable {
    /// Blobs of all of them.
    public var blobs: Int
    /// Blobs that are in the store.
    public var blobsDone: Int
    /// Sum of the sizes, in bytes.
    public var bytes: Int64
    /// Bytes on disk.
    public var bytesDone: Int64
    /// Useful bytes a second of late; 0 where nothing arrives.
    public var bytesPerSecond: Double
    /// Seconds since the downloads began.
    public var seconds: Double
    /// Seconds until the end at this rate; nil: that cannot be said.
    public var secondsLeft: Double?
    /// Downloads that may run in parallel.
    public var workers: Int
    /// Downloads that do.
    public var open: Int
  }

  /// What of a display's events is one of these; nil: nothing is.
  init?(_ event: ProgressEvent) {
    switch event {
    case .started(let reference): self = .started(image: reference)
    case .resolved(
      let reference, let digest, let platform, let platformDigest, let blobs, let bytes, let present
    ):
      self = .resolved(
        Resolved(
          image: reference, digest: digest.description,
          platformDigest: platformDigest?.description, platform: platform, blobs: blobs,
          bytes: bytes, bytesPresent: present))
    case .pool(let workers, let reason): self = .workers(workers, reason: reason)
    case .snapshot(let snapshot):
      self = .progress(
        Progress(
          blobs: snapshot.blobs.count, blobsDone: snapshot.blobsDone, bytes: snapshot.size,
          bytesDone: snapshot.done, bytesPerSecond: snapshot.bytesPerSecond,
          seconds: snapshot.seconds, secondsLeft: snapshot.secondsLeft,
          workers: snapshot.poolSize, open: snapshot.open))
    case .warning(let text): self = .notice(text.linesShownSafely)
    case .waiting, .late, .mirrorGivenUp:
      guard let line = PlainRenderer.notice(event) else { return nil }
      self = .notice(line)
    case .wrote(let output): self = .wrote(output: output)
    // What a blob does is in `progress`, and how a pull ends says the call itself.
    case .blob, .finished, .failed, .total: return nil
    }
  }
}
