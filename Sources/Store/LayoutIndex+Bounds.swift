import OCI

/// What of a registry's words an entry of `index.json` takes over.
///
/// The index is read as a whole by everybody, so that one image's words must not cost the room of others.
extension LayoutIndex {
  /// The most bytes of annotations that an entry takes over from a registry: those of well-kept
  /// images have 2 KiB.
  private static let notesLimit = 8 << 10
  /// The most bytes of a type of artifacts.
  fileprivate static let typeLimit = 255
  /// The most bytes of a platform.
  fileprivate static let platformLimit = 1 << 10

  /// What of a registry's annotations an entry may carry: none that say what an entry is called or
  /// where it came from, and none at all where they are a burden.
  ///
  /// - Parameter served: annotations of a descriptor that a registry sent.
  package static func notes(served: [String: String]?) -> [String: String]? {
    guard let served else { return nil }
    let kept = served.filter { !isOwn($0.key) && $0.key != "io.containerd.image.name" }
    return kept.isEmpty || size(kept) > notesLimit ? nil : kept
  }

  /// Annotations of which those of others are left out where they are a burden.
  fileprivate static func bounded(_ notes: [String: String]) -> [String: String] {
    let own = notes.filter { isOwn($0.key) }
    let others = notes.filter { !isOwn($0.key) }
    return size(others) > notesLimit ? own : notes
  }

  private static func isOwn(_ key: String) -> Bool {
    key == nameKey || isNote(key)
  }

  /// Of a document in memory: it fits.
  private static func size(_ notes: [String: String]) -> Int {
    notes.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
  }
}

extension Descriptor {
  /// The descriptor without what is a burden to an index: the manifest itself has it all.
  var bounded: Descriptor {
    var entry = self
    entry.data = nil
    entry.urls = nil
    if let type = artifactType, type.utf8.count > LayoutIndex.typeLimit { entry.artifactType = nil }
    if let platform, platform.byteCount > LayoutIndex.platformLimit { entry.platform = nil }
    entry.annotations = annotations.map(LayoutIndex.bounded)
    return entry
  }
}

extension Platform {
  fileprivate var byteCount: Int {
    let words = [os, architecture, variant ?? "", osVersion ?? ""] + (osFeatures ?? [])
    // Each has quotation marks and a comma.
    return words.reduce(0) { $0 + $1.utf8.count + 3 }
  }
}
