import FoundationEssentials
package import OCI
import Text

/// Images of one name for several platforms, beside each other.
///
/// Readers of layouts take one entry of a name, so that one has it: the image that was pulled last.
/// The others are kept without it, under an annotation of ours.
extension LayoutIndex {
  /// The annotation with what an entry is an image of, while another platform's has the name.
  package static let heldKey = "dev.cairn.name"

  /// What an entry is for: images of one name for the same are successors of each other.
  private enum Purpose: Hashable {
    /// All of an index.
    case everything
    case platform(Platform)
    /// An artifact, or an image that says nowhere what it is for.
    case unknown

    init(_ entry: Descriptor) {
      if entry.mediaType.isIndex {
        self = .everything
      } else if let platform = entry.platform {
        var plain = Platform(
          os: platform.os, architecture: platform.architecture, variant: platform.variant)
        // Of Windows' versions, the fourth number is that of a monthly update.
        plain.osVersion = platform.osVersion.map {
          $0.parts(at: ".").prefix(3).joined(separator: ".")
        }
        self = .platform(plain)
      } else {
        self = .unknown
      }
    }

    /// Whether an older image of the same name stays beside one for this.
    func spares(_ older: Purpose) -> Bool {
      switch (self, older) {
      case (.platform, .everything): true
      case (.platform(let mine), .platform(let other)): mine != other
      // All of an index has every platform, and what is for none is all that the name means now.
      case (.everything, _), (.unknown, _), (_, .unknown): false
      }
    }
  }

  /// What the entries of a file are images of, each once, sorted; for whoever wants no more of it.
  ///
  /// - Parameter data: the file's content; nothing is named by what is no index.
  static func names(json data: Data) -> [String] {
    let entries = JSONTree(data)?[manifestsName]?.elements ?? []
    return Set(
      entries.compactMap {
        ($0["annotations"]?[nameKey]?.string ?? note(heldKey, in: $0))?.exact
      }
    )
    .sorted().map(\.text)
  }

  /// Gives a name to what was pulled last; images of that name for other platforms stay without it.
  ///
  /// - Parameters:
  ///   - name: the name.
  ///   - descriptor: the manifest or index, with its platform and annotations.
  /// - Throws: `StoreError.badIndex` where the entry cannot be encoded.
  package mutating func place(_ name: String, _ descriptor: Descriptor) throws(StoreError) {
    let purpose = Purpose(descriptor)
    var descriptor = descriptor
    if let same = entries.first(where: {
      $0.isImage(of: name) && $0.descriptor?.digest == descriptor.digest
    })?.descriptor {
      // Pulled by its digest, an image does not say again what its index said of it.
      descriptor.platform = same.platform ?? descriptor.platform
      let words = (same.ownNotes ?? [:]).filter {
        ![Self.indexKey, Self.heldKey].contains($0.key)
      }
      descriptor.annotations = words.merging(descriptor.annotations ?? [:]) { $1 }
    }
    let digest = descriptor.digest
    rewrite(name) { entry in
      guard let known = entry.descriptor, known.digest != digest,
        purpose.spares(Purpose(known))
      else { return entry.isNamed(name) ? entry : nil }
      return entry.isNamed(name) ? entry.held(as: name) : entry
    }
    try set(name, descriptor)
  }

  /// Renews what is known of an image that was fetched once more; it is called what it was called before.
  ///
  /// - Parameters:
  ///   - name: what it is an image of.
  ///   - descriptor: the manifest or index.
  /// - Throws: `StoreError.badIndex` where the entry cannot be encoded.
  package mutating func renew(_ name: String, _ descriptor: Descriptor) throws(StoreError) {
    func isSame(_ known: Descriptor) -> Bool {
      known.digest == descriptor.digest || Purpose(known) == Purpose(descriptor)
    }
    let known = entries.first { entry in
      entry.isImage(of: name) && entry.descriptor.map(isSame) ?? false
    }
    guard let known, let before = known.descriptor else {
      try place(name, descriptor)
      return
    }
    var renewed = descriptor
    renewed.platform = before.platform ?? descriptor.platform
    // By its digest, a registry does not say again what its index said.
    // Where the registry has another image by now, nothing of the old one's origin holds for it.
    let isSameSource = before.source == descriptor.source
    let words = (before.ownNotes ?? [:]).filter {
      isSameSource || ![Self.indexKey, Self.sourceKey].contains($0.key)
    }
    renewed.annotations = words.merging(descriptor.annotations ?? [:]) { $1 }
    try replace(known, by: renewed)
  }

  /// Gives names that nobody has any more to the image of each that was pulled last.
  mutating func restoreNames() {
    let lost = Set(entries.compactMap(\.heldName?.exact)).map(\.text).filter { !hasName($0) }
    for name in lost {
      let latest = entries.indices.filter { entries[$0].heldName?.exact == name.exact }
        .max { entries[$0].pulled < entries[$1].pulled }
      rewrite(name, only: latest) { $0.named(name) }
    }
  }
}

extension LayoutIndex.Entry {
  /// What it is an image of while another one has the name.
  var heldName: String? {
    name == nil ? LayoutIndex.note(LayoutIndex.heldKey, in: text) : nil
  }

  /// Whether it is what has a name.
  func isNamed(_ other: String) -> Bool { name?.exact == other.exact }

  /// Whether it is an image of a name, which another may have.
  func isImage(of other: String) -> Bool { (name ?? heldName)?.exact == other.exact }

  fileprivate var pulled: Double {
    LayoutIndex.note(LayoutIndex.pulledKey, in: text).flatMap { Double($0) } ?? 0
  }

  /// The entry without its name, which stays written beside it.
  fileprivate func held(as name: String) -> Self {
    noting(name, as: LayoutIndex.heldKey, inPlaceOf: LayoutIndex.nameKey)
  }

  fileprivate func named(_ name: String) -> Self {
    noting(name, as: LayoutIndex.nameKey, inPlaceOf: LayoutIndex.heldKey)
  }

  /// Everything else stays as it was found, but for notes of ours that are another entry's.
  private func noting(_ name: String, as key: String, inPlaceOf other: String) -> Self {
    var tree = text
    var notes = tree["annotations"] ?? .object([])
    if let owner = notes[LayoutIndex.ownerKey]?.string, owner != tree["digest"]?.string {
      for key in notes.names ?? [] where LayoutIndex.isNote(key) { notes[key] = nil }
    }
    notes[LayoutIndex.ownerKey] = tree["digest"]?.string.map { JSONTree(string: $0) }
    notes[other] = nil
    notes[key] = JSONTree(string: name)
    tree["annotations"] = notes
    return Self(tree)
  }
}
