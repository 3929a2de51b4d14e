/// An image index: manifests, usually one for each platform.
///
/// An entry that nobody wants may be odd in any way. What cannot be read of an entry counts as not said,
/// and one without a digest that can be is passed over.
package struct Index: Sendable, Equatable {
  /// The index's own media type.
  package let mediaType: MediaType
  /// The entries, in the order of the index; nil for one that cannot be read.
  package let entries: [Descriptor?]

  /// Makes an index.
  ///
  /// - Parameters:
  ///   - mediaType: its own.
  ///   - entries: in its order; nil for what cannot be read.
  package init(mediaType: MediaType, entries: [Descriptor?]) {
    self.mediaType = mediaType
    self.entries = entries
  }

  /// The entries that can be read, in the order of the index.
  package var manifests: [Descriptor] { entries.compactMap(\.self) }

  /// How many entries cannot be read.
  package var unreadable: Int { entries.count - manifests.count }

  /// Entries that may be images: no attestations, no artifacts, nothing of a type that is not known.
  package var images: [Descriptor] {
    candidates.filter { !$0.isOfUnknownPlatform }
  }

  /// Entries that may be images and are said to be for nothing that is known: attestations as a
  /// rule, but the configuration decides.
  package var unknown: [Descriptor] { candidates.filter(\.isOfUnknownPlatform) }

  private var candidates: [Descriptor] {
    manifests.filter { !$0.isAttestation && !$0.isArtifact && $0.mediaType.canBeDocument }
  }

  /// Types of the artifacts among the entries, attestations included, for messages.
  package var artifactTypes: [String] {
    manifests.filter { $0.mayBeAttestation || $0.isArtifact }
      .map { $0.artifactType ?? "attestation" }
  }

  /// Platforms of the images, for messages.
  package var platforms: [Platform] { images.compactMap(\.platform) }

  /// The images that an entry's platform names for another one, best first, equals in the order of the index.
  ///
  /// What needs more of the operating system than the wanted one is said to have comes last.
  ///
  /// - Parameter platform: the platform wanted.
  package func images(for platform: Platform) -> [Descriptor] {
    let fitting = images.enumerated().compactMap { place, image in
      image.platform.flatMap { own in
        platform.preference(for: own).map {
          (rank: (platform.lacks(featuresOf: own) ? 1 : 0, -$0, place), image: image)
        }
      }
    }
    return fitting.sorted { $0.rank < $1.rank }.map(\.image)
  }

  /// Images whose entry names no platform: their configuration says which it is.
  package var undecided: [Descriptor] { images.filter { $0.platform == nil } }
}
