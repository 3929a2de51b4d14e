package import OCI

/// What a pull looks like at one moment; all that a display needs.
package struct PullSnapshot: Sendable, Equatable {
  /// What is happening to a blob.
  package enum State: String, Sendable, Equatable {
    /// It will be fetched, or the rest of it: no worker is at it now.
    case waiting
    /// At least one worker is at it.
    case fetching
    /// Another process on this machine is fetching it.
    case elsewhere
    /// Its bytes are here and are being hashed.
    case verifying
    /// It is in the store.
    case done
    /// It was in the store before.
    case present
  }

  /// One blob.
  package struct Blob: Sendable, Equatable {
    /// Its digest.
    package var digest: Digest
    /// `config`, or the layer's place in the image from 1, for people.
    package var label: String
    /// The image that named it first, as the user named that; nil: it is not known.
    package var image: String?
    /// Its size in bytes.
    package var size: Int64
    /// Bytes on disk.
    package var done: Int64
    /// What is happening to it.
    package var state: State
    /// The process that fetches it elsewhere, where that is known.
    package var process: Int32?
    /// Whether somebody has stopped that process: it is waited for, and then taken over.
    package var isStopped = false

    /// Makes a blob that waits.
    package init(
      digest: Digest, label: String, image: String? = nil, size: Int64, done: Int64 = 0,
      state: State = .waiting
    ) {
      self.digest = digest
      self.label = label
      self.image = image
      self.size = size
      self.done = done
      self.state = state
    }
  }

  /// The image as the user named it.
  package var name: String
  /// Every blob, in the order of the manifest.
  package var blobs: [Blob]
  /// Seconds since the pull began.
  package var seconds: Double
  /// Useful bytes per second of late; 0 when nothing arrives.
  package var bytesPerSecond: Double
  /// Workers allowed.
  package var poolSize: Int
  /// Requests in flight: more than workers are allowed where some of them end because there are to be fewer.
  package var open: Int

  /// Makes a snapshot.
  package init(
    name: String, blobs: [Blob], seconds: Double, bytesPerSecond: Double, poolSize: Int, open: Int
  ) {
    self.name = name
    self.blobs = blobs
    self.seconds = seconds
    self.bytesPerSecond = bytesPerSecond
    self.poolSize = poolSize
    self.open = open
  }

  /// Sum of the sizes, in bytes.
  package var size: Int64 { blobs.lazy.map(\.size).clampedSum }
  /// Bytes on disk.
  package var done: Int64 { blobs.lazy.map(\.done).clampedSum }
  /// Blobs that are in the store.
  package var blobsDone: Int { blobs.count { $0.state == .done || $0.state == .present } }

  /// Seconds until the end at the present rate; nil while that cannot be said.
  package var secondsLeft: Double? {
    guard bytesPerSecond > 0 else { return nil }
    return Double(size.subtractingClamped(done)) / bytesPerSecond
  }
}
