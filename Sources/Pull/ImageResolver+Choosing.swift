import FoundationEssentials
import OCI
import Registry

/// From what a reference names to the manifests that are wanted.
///
/// What an index says of an entry chooses; where it says nothing, the image's configuration does. Artifacts are no
/// candidates for an image, whether the index or only their manifest says that they are some.
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
    /// Platforms of images that are not wanted.
    var offered: [Platform] = []
    /// Images that say nowhere what they are for.
    var unnamed = 0
    /// Types of the artifacts.
    var artifacts: [String] = []
    /// Why an entry without a platform could not be looked at.
    var failure: PullError?
  }

  // MARK: All

  /// Everything below the root, parents first; what is no index and no manifest is passed over with a note.
  func collectAll(into resolution: inout Resolution) async throws(PullError) {
    var survey = Survey()
    survey.documents[resolution.root.descriptor.digest] = resolution.root
    try await collect(resolution.root, depth: 0, &survey, into: &resolution)
    if case .index(let index) = resolution.root.content, resolution.documents.count == 1 {
      guard !index.entries.isEmpty else {
        throw .noImage(artifacts: [], reference: client.reference.description)
      }
      throw .document(
        .invalidDocument(reason: "nothing that its index names can be read as an image"),
        what: client.reference.description)
    }
  }

  private func collect(
    _ document: Document, depth: Int, _ survey: inout Survey, into resolution: inout Resolution
  ) async throws(PullError) {
    guard case .index(let index) = document.content else {
      resolution.manifests.append(document)
      return
    }
    try checkDepth(depth)
    if index.unreadable > 0 {
      resolution.notes.append(
        "\(index.unreadable) of \(index.entries.count) entries of the index cannot be read; "
          + "they are passed over")
    }
    for entry in index.manifests where survey.documents[entry.digest] == nil {
      guard entry.mediaType.canBeDocument else {
        resolution.notes.append(Self.passedOver(entry))
        continue
      }
      let child: Document
      do throws(PullError) {
        child = try await fetch(entry, &survey)
      } catch {
        // One of a type that any file may have was perhaps no manifest; attestations are lost in clean-ups and proxies.
        guard entry.mediaType.isUnspecific || entry.isAttestation, error.isAboutContent else {
          throw error.naming(entry.platform)
        }
        resolution.notes.append(Self.passedOver(entry))
        continue
      }
      resolution.documents.append(child)
      try await collect(child, depth: depth + 1, &survey, into: &resolution)
    }
  }

  private static func passedOver(_ entry: Descriptor) -> String {
    let type = entry.mediaType.rawValue
    return "\(entry.digest.short) in the index is passed over: "
      + (type.isEmpty ? "it is no manifest" : "its type is \(type.shownSafely(limit: 100))")
  }

  // MARK: One

  /// The image that serves a platform best.
  ///
  /// - Parameters:
  ///   - platform: the one wanted.
  ///   - substitutes: others that this machine runs, too, best first; each is said where it is taken.
  ///   - resolution: gets the image.
  func find(
    _ platform: Platform, or substitutes: [Platform], in resolution: inout Resolution
  ) async throws(PullError) {
    var survey = Survey()
    var found = try await path(to: platform, from: [resolution.root], &survey)
    for substitute in substitutes where found == nil && survey.failure == nil {
      var again = survey
      found = try await path(to: substitute, from: [resolution.root], &again)
      survey.documents = again.documents
      guard let path = found, path.count > 1 else { continue }
      resolution.notes.append(
        "there is no image for \(platform); taking the one for \(substitute) or less, "
          + "which this machine runs, too")
    }
    guard let path = found, let image = path.last else {
      if let failure = survey.failure { throw failure }
      let reference = client.reference.description
      if survey.offered.isEmpty, survey.unnamed == 0 {
        throw .noImage(artifacts: survey.artifacts, reference: reference)
      }
      var seen = Set<Platform>()
      throw .noPlatform(
        wanted: platform, available: survey.offered.filter { seen.insert($0).inserted },
        reference: reference)
    }
    resolution.documents = path
    resolution.manifests = [image]
  }

  /// The documents from the last one of a path to an image for a platform; nil where there is none.
  private func path(
    to platform: Platform, from path: [Document], _ survey: inout Survey
  ) async throws(PullError) -> [Document]? {
    guard let document = path.last, case .index(let index) = document.content else { return path }
    try checkDepth(path.count - 1)
    survey.offered += index.platforms
    survey.artifacts += index.artifactTypes
    for entry in index.images(for: platform) {
      let child = try await fetch(entry, &survey)
      if case .manifest(let manifest) = child.content {
        if try await isImage(manifest, &survey) { return path + [child] }
      } else if let found = try await self.path(to: platform, from: path + [child], &survey) {
        return found
      }
    }
    return try await undecided(platform, index, path, &survey)
  }

  /// Looks into the entries that name no platform.
  private func undecided(
    _ platform: Platform, _ index: Index, _ path: [Document], _ survey: inout Survey
  ) async throws(PullError) -> [Document]? {
    var best: (image: Document, preference: Int)?
    var unnamed: Document?
    for entry in index.undecided {
      var child: Document
      let own: Platform?
      do throws(PullError) {
        child = try await fetch(entry, &survey)
        guard case .manifest(let manifest) = child.content else {
          if let found = try await self.path(to: platform, from: path + [child], &survey) {
            return found
          }
          continue
        }
        guard try await isImage(manifest, &survey) else { continue }
        own = try await configuration(of: manifest)?.platform
      } catch {
        guard error.isAboutContent else { throw error }
        survey.failure = survey.failure ?? error
        continue
      }
      guard let own else {
        unnamed = child
        survey.unnamed += 1
        continue
      }
      survey.offered.append(own)
      child.descriptor.platform = own
      guard let preference = platform.preference(for: own) else { continue }
      if preference == Platform.exactly { return path + [child] }
      if preference > best?.preference ?? Int.min { best = (child, preference) }
    }
    // A list of one that says nowhere what it is for cannot mean anything else.
    let image = best?.image ?? (index.images.count == 1 ? unnamed : nil)
    return image.map { path + [$0] }
  }

  private func isImage(_ manifest: Manifest, _ survey: inout Survey) async throws(PullError) -> Bool
  {
    if let isImage = manifest.isImage {
      if !isImage { survey.artifacts.append(manifest.typeOfArtifact) }
      return isImage
    }
    let isImage = manifest.isImage(try await configuration(of: manifest))
    if !isImage { survey.artifacts.append(manifest.typeOfArtifact) }
    return isImage
  }

  // MARK: Fetching

  private func checkDepth(_ depth: Int) throws(PullError) {
    guard depth < Survey.depthLimit else {
      throw refused("indexes are nested more than \(Survey.depthLimit) deep")
    }
  }

  /// A document below an index, each once.
  private func fetch(_ entry: Descriptor, _ survey: inout Survey) async throws(PullError)
    -> Document
  {
    if let known = survey.documents[entry.digest] { return known }
    guard survey.documents.count < Survey.documentLimit else {
      throw refused("it has more than \(Survey.documentLimit) manifests")
    }
    let child = try await childDocument(entry)
    survey.documents[entry.digest] = child
    survey.bytes += child.data.count
    guard survey.bytes <= Survey.byteLimit else {
      throw refused("it has manifests of more than \(Survey.byteLimit >> 20) MiB")
    }
    return child
  }

  private func refused(_ reason: String) -> PullError {
    .document(.invalidDocument(reason: reason), what: client.reference.description)
  }
}

extension PullError {
  /// The error with the platform of the image that is missing.
  fileprivate func naming(_ platform: Platform?) -> PullError {
    guard case .registry(let error) = self, error.kind == .notFound, let platform else {
      return self
    }
    return .registry(
      RegistryError(
        .notFound, "\(error), though its index names it for \(platform)",
        hint: "pull the other platforms one by one, with --platform"))
  }

  /// True where the registry answered, and what it has or has not is the trouble.
  fileprivate var isAboutContent: Bool {
    switch self {
    case .document: true
    case .registry(let error): error.kind == .notFound
    default: false
    }
  }
}
