package import OCI

/// What is in the store.
extension StoreMaintenance {
  /// An image in the store's index.
  package struct Image: Sendable, Equatable {
    /// What it is an image of, `docker.io/library/ubuntu:latest`; its digest where it has no name.
    package var name: String
    /// True where another platform's image, pulled later, has the name.
    package var isHeld: Bool
    /// The manifest or index in the layout.
    package var descriptor: Descriptor
    /// Sum of the sizes of its blobs and documents, in bytes.
    package var size: Int64
    /// Seconds since 1970 of the last pull; 0 when unknown.
    package var pulled: Double
    /// False where a document or blob is missing.
    package var isComplete: Bool

    /// What the registry serves it as.
    package var sourceDigest: Digest { noted(LayoutIndex.sourceKey) ?? descriptor.digest }

    /// What the reference that it was pulled as named: the index, where it was one.
    package var resolvedDigest: Digest { noted(LayoutIndex.indexKey) ?? sourceDigest }

    /// The platform's manifest as the registry serves it, where the reference named an index and
    /// this is one image of it.
    package var platformDigest: Digest? {
      noted(LayoutIndex.indexKey) == nil ? nil : sourceDigest
    }

    /// The name, with the platform where another one has it.
    package var label: String {
      isHeld ? "\(name) (\(descriptor.platform?.description ?? "all platforms"))" : name
    }

    private func noted(_ key: String) -> Digest? {
      descriptor.note(key).flatMap { try? Digest($0) }
    }
  }

  /// The images, by name; of one name the one that has it first.
  ///
  /// - Throws: `StoreError`.
  package func images() throws(StoreError) -> [Image] {
    known.forget()
    return try listed()
  }

  /// The images, by what is known already.
  func listed() throws(StoreError) -> [Image] {
    try store.index().manifests.map { entry in
      let reach = reachable(from: entry)
      let name = entry.annotations?[LayoutIndex.nameKey]
      let held = entry.note(LayoutIndex.heldKey)
      return Image(
        name: name ?? held ?? entry.digest.description, isHeld: name == nil && held != nil,
        descriptor: entry, size: reach.sizes.values.clampedSum,
        pulled: Self.seconds(entry.note(LayoutIndex.pulledKey)),
        isComplete: reach.isComplete)
    }.sorted { ($0.name, $0.isHeld ? $0.label : "") < ($1.name, $1.isHeld ? $1.label : "") }
  }

  /// A time that somebody may have written by hand; 0 where it is none.
  private static func seconds(_ text: String?) -> Double {
    let seconds = text.flatMap { Double($0) } ?? 0
    return (0...latestTime).contains(seconds) ? seconds : 0
  }
  /// The end of the year 9999, in seconds since 1970.
  private static let latestTime = 253_402_300_799.0
}
