import Text

/// Two descriptors are one only where their notes are, byte by byte: names of images are among them.
extension Descriptor {
  package static func == (one: Descriptor, other: Descriptor) -> Bool {
    one.digest == other.digest && one.mediaType == other.mediaType && one.size == other.size
      && one.hasSize == other.hasSize && one.urls == other.urls && one.data == other.data
      && one.platform == other.platform && one.artifactType == other.artifactType
      && one.exactNotes == other.exactNotes
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(digest)
    hasher.combine(exactNotes)
  }

  private var exactNotes: [ExactText: ExactText]? {
    annotations.map { Dictionary($0.map { ($0.exact, $1.exact) }) { first, _ in first } }
  }
}
