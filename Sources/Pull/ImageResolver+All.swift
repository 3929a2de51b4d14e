import FoundationEssentials
import OCI
import Registry

/// All that an index names.
extension ImageResolver {
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
        // One of a type that any file may have was perhaps no manifest; attestations are lost in
        // clean-ups and proxies.
        guard entry.mediaType.isUnspecific || entry.mayBeAttestation, error.isAboutContent else {
          throw error.naming(entry.platform)
        }
        resolution.notes.append(Self.passedOver(entry, after: error))
        continue
      }
      resolution.documents.append(child)
      try await collect(child, depth: depth + 1, &survey, into: &resolution)
    }
  }

  /// - Parameter error: what came of asking for it; nil: it was not asked for.
  private static func passedOver(_ entry: Descriptor, after error: PullError? = nil) -> String {
    let type = entry.mediaType
    let reason =
      if type.rawValue.isEmpty {
        "it is no manifest"
      } else if let error, !type.isUnspecific {
        "\(error)"
      } else {
        "its type is \(type.rawValue.shownSafely(limit: 100))"
      }
    return "\(entry.digest.short) in the index is passed over: \(reason)"
  }
}
