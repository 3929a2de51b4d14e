import FoundationEssentials
import OCI
import Pull

/// What `cairn inspect` prints.
struct InspectReport: Encodable {
  struct Entry: Encodable {
    var digest: Digest
    var mediaType: MediaType
    var size: Int64
    var platform: String?
    var title: String?

    init(_ descriptor: Descriptor) {
      digest = descriptor.digest
      mediaType = descriptor.mediaType
      size = descriptor.size
      platform = descriptor.platform?.description
      title = descriptor.title?.shownSafely(limit: 120)
    }
  }

  struct Image: Encodable {
    var digest: Digest
    var mediaType: MediaType
    var platform: String?
    var artifactType: String?
    var config: Entry
    var layers: [Entry]
    var size: Int64
    var configuration: InspectedConfiguration?
  }

  var reference: String
  var digest: Digest
  var mediaType: MediaType
  var manifests: [Entry]?
  var image: Image?

  /// - Parameters:
  ///   - reference: what was asked for.
  ///   - root: what it names.
  ///   - image: the platform's image; nil: none.
  ///   - details: what its configuration says; nil: nothing, or it is no image.
  init(
    _ reference: Reference, root: ImageResolver.Document, image: ImageResolver.Document?,
    details: ImageDetails? = nil
  ) {
    self.reference = reference.description
    digest = root.descriptor.digest
    mediaType = root.descriptor.mediaType
    if case .index(let index) = root.content { manifests = index.manifests.map(Entry.init) }
    guard let image, case .manifest(let manifest) = image.content else { return }
    self.image = Image(
      digest: image.descriptor.digest, mediaType: manifest.mediaType,
      platform: image.descriptor.platform?.description,
      artifactType: manifest.artifactType?.shownSafely(limit: 120),
      config: Entry(manifest.config), layers: manifest.layers.map(Entry.init),
      size: manifest.totalSize ?? 0,
      configuration: details.map { InspectedConfiguration($0, layers: manifest.layers) })
  }

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  var text: String {
    var lines = ["reference  \(reference)", "digest     \(digest)", "type       \(mediaType)"]
    if let manifests {
      lines.append("platforms")
      let names = manifests.map { $0.platform ?? $0.title ?? "-" }
      let width = max(18, (names.map(\.count).max() ?? 0) + 1)
      lines += zip(names, manifests).map { "  " + Self.pad($0, width) + "\($1.digest)" }
    }
    if let image {
      let platform = image.platform.map { " for \($0)" } ?? ""
      lines.append("image      \(image.digest)\(platform), \(ByteCount.text(image.size))")
      if let type = image.artifactType { lines.append("artifact   \(type)") }
      lines.append("  " + Self.row("config", image.config))
      for (index, layer) in image.layers.enumerated() {
        lines.append("  " + Self.row("layer \(index + 1)", layer))
      }
      lines += image.configuration?.lines ?? []
    }
    return lines.joined(separator: "\n")
  }

  private static func row(_ label: String, _ entry: Entry) -> String {
    pad(label, 10) + "\(entry.digest)  " + pad(ByteCount.text(entry.size), 9)
      + " \(entry.title ?? entry.mediaType.rawValue.shownSafely(limit: 80))"
  }

  static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
