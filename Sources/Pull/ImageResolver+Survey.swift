import FoundationEssentials
import OCI
import Registry

/// The documents below a reference, each fetched once and within bounds.
extension ImageResolver {
  /// What was fetched so far, within its bounds, and what was seen that is not wanted.
  struct Survey {
    /// Documents of one image that are fetched.
    static let documentLimit = 2_000
    /// Bytes of all documents of one image, which are held in memory: 32 MiB.
    static let byteLimit = 32 << 20
    /// Indexes within indexes that are followed.
    static let depthLimit = 4

    var documents: [Digest: Document] = [:]
    var bytes = 0
    /// Entries that name a platform of theirs.
    var named: [Descriptor] = []
    /// Those of them that turned out to have no image.
    var empty: Set<Digest> = []
    /// Platforms that only configurations name.
    var configured: [Platform] = []
    /// Entries that cannot be read.
    var unreadable = 0
    /// Images that say nowhere what they are for.
    var unnamed = 0
    /// Types of the artifacts.
    var artifacts: [String] = []
    /// The first thing that has an image's configuration and no layer of one: taken where there is
    /// nothing better.
    var doubtful: [Document]?
    /// Why an entry could not be looked at.
    var failure: PullError?
    /// What is to be said of the image that was found, in words.
    var notes: [String] = []

    /// Entries that only a look can tell what they are for: each costs a request or two, one after the other.
    private var undecided = 0
    /// So many of them are looked at, and more than so many said.
    private static let undecidedLimit = (looked: 256, silent: 8)

    /// Takes on the entries of an index that say nothing of their platform.
    ///
    /// - Throws: `PullError`: they are too many.
    mutating func takeOn(_ index: Index, of resolver: ImageResolver) throws(PullError) {
      let more = index.undecided.count + index.unknown.count
      undecided += more
      let limit = Self.undecidedLimit
      guard undecided <= limit.looked else {
        throw resolver.refused(
          "its index has more than \(limit.looked) entries that do not say what they are for; "
            + "name one by its digest")
      }
      guard more > limit.silent else { return }
      let words =
        "has an index with \(more) entries that do not say what they are for; "
        + "each is looked at"
      resolver.client.tell(.late(resolver.client.reference.registry, because: words))
    }

    /// Takes in what an index says.
    mutating func note(_ index: Index) {
      named += index.images.filter { $0.platform != nil }
      artifacts += index.artifactTypes
      unreadable += index.unreadable
    }

    /// Entries that name a platform and may have an image for it.
    var offers: [Descriptor] { named.filter { !empty.contains($0.digest) } }

    /// Platforms of images that are not wanted, each once.
    var offered: [Platform] {
      var seen = Set<Platform>()
      return (offers.compactMap(\.platform) + configured).filter { seen.insert($0).inserted }
    }
  }

  func checkDepth(_ depth: Int) throws(PullError) {
    guard depth < Survey.depthLimit else {
      throw refused("indexes are nested more than \(Survey.depthLimit) deep")
    }
  }

  /// A document below an index, each once.
  func fetch(_ entry: Descriptor, _ survey: inout Survey) async throws(PullError)
    -> Document
  {
    if let known = survey.documents[entry.digest] { return known }
    guard survey.documents.count < Survey.documentLimit else {
      throw refused("it has more than \(Survey.documentLimit) manifests")
    }
    let tooMuch = refused("it has manifests of more than \(Survey.byteLimit >> 20) MiB")
    guard survey.bytes <= Survey.byteLimit else { throw tooMuch }
    let child = try await childDocument(entry)
    survey.documents[entry.digest] = child
    survey.bytes += child.data.count
    guard survey.bytes <= Survey.byteLimit else { throw tooMuch }
    return child
  }

  func refused(_ reason: String) -> PullError {
    .document(.invalidDocument(reason: reason), what: client.reference.description)
  }
}

extension PullError {
  /// The error with the platform of the image that is missing.
  func naming(_ platform: Platform?) -> PullError {
    guard case .registry(let error) = self, error.kind == .notFound, let platform else {
      return self
    }
    return .registry(
      RegistryError(
        .notFound, "\(error), though its index names it for \(platform)",
        hint: "pull the other platforms one by one, with --platform"))
  }

  /// True where the registry answered, and what it has or has not is the trouble.
  var isAboutContent: Bool {
    switch self {
    case .document: true
    case .registry(let error): error.kind == .notFound
    default: false
    }
  }

  /// True where one entry is the trouble, and another may serve as well.
  var isAboutEntry: Bool {
    switch self {
    case .integrity: true
    case .registry(let error): error.kind == .integrity || isAboutContent
    default: isAboutContent
    }
  }
}
