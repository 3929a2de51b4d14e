import FoundationEssentials
import OCI
import Registry

/// From what a reference names to the manifest that is wanted.
///
/// What an index says of an entry chooses; where it says nothing, the image's configuration does.
/// Artifacts are no candidates for an image, whether the index or only their manifest says that
/// they are some, and what has an image's configuration but no layer of one only where nothing else
/// is.
extension ImageResolver {
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
      survey.notes = again.notes
      resolution.notes.append(
        "there is no image for \(platform); taking the one for \(substitute) or less, "
          + "which this machine runs, too")
    }
    if found == nil, survey.failure == nil, let doubtful = survey.doubtful {
      found = doubtful
      survey.notes.append("what is pulled has an image's configuration, but no layer of one")
    }
    guard let path = found, let image = path.last else {
      throw try await nothing(for: platform, survey)
    }
    resolution.notes += survey.notes
    resolution.documents = path
    resolution.manifests = [image]
  }

  /// Why there is nothing, and what else there is.
  private func nothing(for platform: Platform, _ survey: Survey) async throws(PullError)
    -> PullError
  {
    if let failure = survey.failure { return failure }
    var survey = survey
    // What is offered should be there; of a list of one that costs no more than a look.
    if survey.offers.count == 1, let only = survey.offers.first,
      survey.documents[only.digest] == nil
    {
      do throws(PullError) {
        _ = try await look(at: only, isAmbiguous: false, &survey)
      } catch {
        guard error.isAboutEntry else { throw error }
      }
    }
    let reference = client.reference.description
    if survey.offered.isEmpty, survey.unnamed == 0 {
      return .noImage(
        artifacts: survey.artifacts, unreadable: survey.unreadable, reference: reference)
    }
    return .noPlatform(
      wanted: platform, available: survey.offered, unreadable: survey.unreadable,
      reference: reference)
  }

  /// The documents from the last one of a path to an image for a platform; nil where there is none.
  private func path(
    to platform: Platform, from path: [Document], _ survey: inout Survey
  ) async throws(PullError) -> [Document]? {
    guard let document = path.last, case .index(let index) = document.content else { return path }
    try checkDepth(path.count - 1)
    survey.note(index)
    var failed: [String] = []
    let entries = index.images(for: platform)
    for entry in entries {
      let isAmbiguous = entries.count { $0.isFor(sameAs: entry, by: platform) } > 1
      do throws(PullError) {
        switch try await look(at: entry, isAmbiguous: isAmbiguous, &survey) {
        case .image(let child):
          survey.notes += failed
          return path + [child]
        case .doubtful(let child): survey.doubtful = survey.doubtful ?? path + [child]
        case .index(let child):
          if let found = try await self.path(to: platform, from: path + [child], &survey) {
            return found
          }
          survey.empty.insert(entry.digest)
        case .nothing: break
        }
      } catch {
        guard error.isAboutEntry else { throw error }
        survey.failure = survey.failure ?? error
        failed.append("\(entry.digest.short) in the index is passed over: \(error)")
      }
    }
    return try await undecided(platform, index, path, &survey)
  }

  /// Looks into the entries that name no platform, and if need be into those that say that it is not known.
  private func undecided(
    _ platform: Platform, _ index: Index, _ path: [Document], _ survey: inout Survey
  ) async throws(PullError) -> [Document]? {
    var best: (image: Document, preference: Int)?
    var unnamed: [Document] = []
    try survey.takeOn(index, of: self)
    for entry in index.undecided + index.unknown {
      let isUnknown = entry.isOfUnknownPlatform
      if isUnknown, best != nil { break }
      var child: Document
      let own: Platform?
      do throws(PullError) {
        switch try await look(at: entry, isAmbiguous: false, &survey) {
        case .nothing: continue
        case .doubtful(let document):
          if !isUnknown { survey.doubtful = survey.doubtful ?? path + [document] }
          continue
        case .index(let document):
          if let found = try await self.path(to: platform, from: path + [document], &survey) {
            return found
          }
          continue
        case .image(let document): child = document
        }
        guard case .manifest(let manifest) = child.content else { continue }
        own = try await configuration(of: manifest)?.platform
      } catch {
        guard error.isAboutEntry else { throw error }
        // An attestation may be lost, and nobody misses it.
        if !isUnknown { survey.failure = survey.failure ?? error }
        continue
      }
      guard let own else {
        unnamed.append(child)
        survey.unnamed += 1
        continue
      }
      survey.configured.append(own)
      child.descriptor.platform = own
      guard let preference = platform.preference(for: own) else { continue }
      if isUnknown {
        survey.notes.append(
          "the index says of \(entry.digest.short) that its platform is not known; its configuration says \(own)"
        )
      }
      if preference == Platform.exactly { return path + [child] }
      if preference > best?.preference ?? Int.min { best = (child, preference) }
    }
    // A list of one that says nowhere what it is for cannot mean anything else.
    let all = index.images.isEmpty ? index.unknown : index.images
    let only = all.count == 1 ? unnamed.first { $0.descriptor.digest == all[0].digest } : nil
    return (best?.image ?? only).map { path + [$0] }
  }

  // MARK: Looking

  /// What an entry of an index turns out to be.
  private enum Look {
    case image(Document)
    /// An image by its configuration's type, with nothing in it that an image has.
    case doubtful(Document)
    case index(Document)
    /// An artifact.
    case nothing
  }

  /// - Parameters:
  ///   - entry: what an index names.
  ///   - isAmbiguous: whether there are more for the same platform, so that the configurations have to tell.
  ///   - survey: learns what there is.
  private func look(at entry: Descriptor, isAmbiguous: Bool, _ survey: inout Survey)
    async throws(PullError) -> Look
  {
    let child = try await fetch(entry, &survey)
    guard case .manifest(let manifest) = child.content else { return .index(child) }
    var isImage = manifest.isImage
    if isImage == nil { isImage = manifest.isImage(try await configuration(of: manifest)) }
    guard isImage == true else {
      survey.empty.insert(entry.digest)
      survey.artifacts.append(manifest.typeOfArtifact)
      return .nothing
    }
    var isDoubtful = !manifest.mayHaveLayers
    if !isDoubtful, isAmbiguous {
      isDoubtful = try await configuration(of: manifest)?.isImage != true
    }
    guard isDoubtful else { return .image(child) }
    survey.empty.insert(entry.digest)
    survey.artifacts.append(manifest.layers.first?.mediaType.rawValue ?? "attestation")
    return .doubtful(child)
  }
}

extension Descriptor {
  /// Whether another entry serves a platform just as well.
  fileprivate func isFor(sameAs other: Descriptor, by wanted: Platform) -> Bool {
    guard let own = platform, let others = other.platform else { return false }
    return wanted.preference(for: own) == wanted.preference(for: others)
      && wanted.lacks(featuresOf: own) == wanted.lacks(featuresOf: others)
  }
}
