package import OCI

/// What a pull tells whoever shows it.
package enum ProgressEvent: Sendable, Equatable {
  /// The pull begins.
  case started(reference: String)
  /// So many workers are allowed from now on, for that reason.
  case pool(workers: Int, reason: String)
  /// The manifest is known: what the reference names, and the platform's image where that is an index.
  case resolved(
    reference: String, digest: Digest, platform: String?, platformDigest: Digest?, blobs: Int,
    bytes: Int64,
    present: Int64)
  /// How the pull stands; several a second.
  case snapshot(PullSnapshot)
  /// A blob changed its state.
  case blob(PullSnapshot.Blob)
  /// Something that a user may want to know.
  case warning(String)
  /// A server, or the scheduler, asks to wait for so many seconds, and why.
  case waiting(seconds: Double, reason: String)
  /// A server lets the pull wait for an answer, and what is done meanwhile: a clause without its subject.
  case late(String, reason: String)
  /// A mirror is not asked any more in this run.
  case mirrorGivenUp(String, reason: String)
  /// An output was written.
  case wrote(output: String)
  /// An image's pull ended well.
  case finished(Summary)
  /// An image's pull failed, or what stands before all of them.
  case failed(Failure)
  /// A run of several images has ended.
  case total(Total)

  /// Why a pull failed.
  package struct Failure: Sendable, Equatable {
    /// The image as the user named it; nil: it is about none of them.
    package var reference: String?
    /// Whether others are pulled in the same run.
    package var isOneOfSeveral = false
    /// What happened, in a sentence.
    package var message: String
    /// What may help.
    package var hint: String?
    /// The process's, were there no other failure.
    package var exitCode: Int32

    /// Makes one.
    package init(reference: String? = nil, message: String, hint: String?, exitCode: Int32) {
      (self.reference, self.message) = (reference, message)
      (self.hint, self.exitCode) = (hint, exitCode)
    }
  }

  /// What a run of several images came to.
  package struct Total: Sendable, Equatable {
    /// Images that were wanted.
    package var images: Int
    /// Images of them that are here now.
    package var pulled: Int
    /// Bytes that were fetched, also of images that failed.
    package var fetched: Int64
    /// Seconds from start to end.
    package var seconds: Double
    /// Workers allowed at the end, of all registries.
    package var poolSize: Int
    /// What limited the downloads, in words; nil where that is not known.
    package var limitedBy: String?

    /// Makes one.
    package init(
      images: Int, pulled: Int, fetched: Int64, seconds: Double, poolSize: Int,
      limitedBy: String? = nil
    ) {
      (self.images, self.pulled, self.fetched) = (images, pulled, fetched)
      (self.seconds, self.poolSize, self.limitedBy) = (seconds, poolSize, limitedBy)
    }
  }

  /// What a pull came to.
  package struct Summary: Sendable, Equatable {
    /// The image as the user named it.
    package var reference: String
    /// Digest of what the reference names: of the index, where it is one.
    package var digest: Digest
    /// The platform that the image is for; nil: all of an index, or not known.
    package var platform: String?
    /// Digest of the platform's manifest, where `digest` is an index's; nil: all of it was pulled.
    package var platformDigest: Digest?
    /// Digest of what was pulled, as the registry serves it.
    package var imageDigest: Digest { platformDigest ?? digest }
    /// Sum of the blobs' sizes, in bytes.
    package var bytes: Int64
    /// Bytes that were fetched in this run.
    package var fetched: Int64
    /// Seconds from start to end.
    package var seconds: Double
    /// Requests for blobs.
    package var requests: Int
    /// Connections opened for them.
    package var connections: Int
    /// Requests that failed and were made again.
    package var retries: Int
    /// Workers allowed at the end.
    package var poolSize: Int
    /// What limited the downloads, in words; nil where that is not known.
    package var limitedBy: String?
    /// Blobs of the image.
    package var blobs = 0
    /// Blobs of them that were in the store before.
    package var blobsPresent = 0
    /// Blobs of them that were on their way already, for another image of the same run.
    package var blobsShared = 0
    /// Whether others were pulled in the same run: then rate, workers and limit are the run's.
    package var isOneOfSeveral = false
    /// The same for programs: one word for the cause, and the numbers behind it by name; nil where
    /// it is not known.
    package var limit: Limit?

    /// What limited the downloads, for programs.
    package struct Limit: Sendable, Equatable {
      /// One word.
      package var cause: String
      /// Numbers by name; rates are bytes a second, times seconds, shares from 0 to 1.
      package var evidence: [String: Double]

      /// Makes one.
      package init(cause: String, evidence: [String: Double] = [:]) {
        self.cause = cause
        self.evidence = evidence
      }
    }

    /// Makes a summary.
    package init(
      reference: String, digest: Digest, bytes: Int64, fetched: Int64, seconds: Double,
      requests: Int, connections: Int, retries: Int, poolSize: Int,
      limitedBy: String? = nil
    ) {
      self.reference = reference
      self.digest = digest
      self.bytes = bytes
      self.fetched = fetched
      self.seconds = seconds
      self.requests = requests
      self.connections = connections
      self.retries = retries
      self.poolSize = poolSize
      self.limitedBy = limitedBy
    }
  }
}

/// Shows a pull's progress in some form.
package protocol ProgressDisplay: Sendable {
  /// Takes an event; called in order, from one task at a time.
  func show(_ event: ProgressEvent)
}
