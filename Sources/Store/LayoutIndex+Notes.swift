package import OCI
import Text

/// What Cairn notes at an entry of `index.json`, and whether that is about this entry.
///
/// Other tools that make a new image of an entry's (`umoci repack`) copy its annotations to the entry of
/// that. So ours have the digest among them that they were written for, and at an entry of another one none
/// of them counts.
extension LayoutIndex {
  /// The annotation with the digest of the entry that ours were written for; none: of an older version.
  package static let ownerKey = "dev.cairn.digest"

  /// Whether an annotation is one that Cairn writes, and that says something of this very entry.
  static func isNote(_ key: String) -> Bool { key.begins(with: "dev.cairn.") }

  /// A note of ours at an entry, as the file has it; nil: there is none, or it is another entry's.
  static func note(_ key: String, in entry: JSONTree) -> String? {
    let notes = entry["annotations"]
    let owner = notes?[ownerKey]?.string
    return owner == nil || owner == entry["digest"]?.string ? notes?[key]?.string : nil
  }
}

extension Descriptor {
  /// A note of ours at this entry; nil: there is none, or it is another entry's.
  package func note(_ key: String) -> String? { ownNotes?[key] }

  /// The annotations without notes of ours that are another entry's, and without the mark whose they are.
  var ownNotes: [String: String]? {
    let owner = annotations?[LayoutIndex.ownerKey]
    let isOurs = owner == nil || owner == digest.description
    return annotations?.filter {
      $0.key != LayoutIndex.ownerKey && (isOurs || !LayoutIndex.isNote($0.key))
    }
  }

  /// The descriptor with the mark that its notes are its own.
  var marked: Descriptor {
    var entry = self
    entry.annotations = ownNotes
    if entry.annotations?.keys.contains(where: LayoutIndex.isNote) ?? false {
      entry.annotations?[LayoutIndex.ownerKey] = digest.description
    }
    return entry
  }

  /// What the registry serves it as.
  var source: String { note(LayoutIndex.sourceKey) ?? digest.description }
}
