/// How a server speaks: every place where servers differ, with what a plain registry does.
struct Dialect: Sendable {
  /// Who may have the image, and how they show who they are.
  var auth = Auth.open
  var manifests = ManifestDialect()
  var content = ContentDialect()
  /// Where blobs are, when it is not the registry itself.
  var storage: StorageDialect?
  var errors = ErrorDialect()
  /// The status for what is not there.
  var missing = 404
  var wire = Wire()
  /// The last one is asked first.
  var habits: [Habit] = []
  /// What stands before the repository in its path, as in a mirror's; without slashes at its ends.
  var pathPrefix = ""
  /// The path that it has as a mirror.
  var mirrorPath = ""
  /// True where one connection is served after the other.
  var isOneAtATime = false
}

/// Documents.
struct ManifestDialect: Sendable {
  /// Which media types its images are of.
  enum Flavour: Sendable { case oci, docker }

  var flavour = Flavour.oci
  /// Whether the digest is announced in `Docker-Content-Digest`.
  var announcesDigest = true
  /// What follows the media type in `Content-Type`.
  var typeSuffix = ""
  /// A `Content-Type` in place of the media type.
  var type: String?
}

/// Bytes of blobs, wherever they are served.
struct ContentDialect: Sendable {
  /// What is done with a `Range`.
  enum Ranges: Sendable, Equatable {
    case served
    /// The whole is sent, with 200.
    case ignored
    /// Refused with this status.
    case refused(Int)
    /// The part is sent, with its `Content-Range`, but with this status.
    case labelled(Int)
  }

  var ranges = Ranges.served
  /// Whether `Accept-Ranges` says so.
  var announcesRanges = true
  /// What a range without an end gets, where that is something else.
  var openEnded: Ranges?
  var type: String? = "application/octet-stream"
  var fields: [(String, String)] = []
}

/// The host that a registry redirects to.
struct StorageDialect: Sendable {
  /// The redirect's status.
  var status = 307
  /// True where it is on the registry's own host, and the redirect is relative.
  var isHere = false
  /// What makes a signed URL, `SIGNATURE` standing for the signature.
  var query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=1200&X-Amz-Signature=SIGNATURE"
  /// How many requests a signed URL is good for; nil: as many as come.
  var uses: Int?
  /// What comes when it is spent.
  var expired = 403
  /// What comes when a request is signed and has an `Authorization`, too; nil: nothing special.
  var refusesAuthorization: Int? = 400
  /// Status of a request by another method than GET.
  var refusesHead: Int?
  /// How errors look there.
  var errors = ErrorDialect(form: .xml)
  /// The body of the redirect.
  var page = ""
}
