/// The members that say what a manifest, an index or a descriptor is, each there once and in its own letters.
///
/// Readers do not agree on which of two equal members counts, and those in Go take a name in any
/// case: one digest would be two images. Labels and annotations are their author's, and not looked
/// at.
enum DocumentStructure {
  /// An object of the structure: the names that readers know, and what is below them.
  private struct Shape {
    let names: [[UInt8]: String]
    let below: [(name: String, shape: Shape)]

    init(_ names: [String], below: [(String, Shape)] = []) {
      let all = names + below.map(\.0)
      self.names = Dictionary(
        all.map { (DocumentStructure.folded($0), $0) }, uniquingKeysWith: { first, _ in first })
      self.below = below.map { (name: $0.0, shape: $0.1) }
    }
  }

  private static let platform = Shape([
    "os", "architecture", "variant", "os.version", "os.features", "features",
  ])
  private static let descriptor = Shape(
    ["mediaType", "digest", "size", "urls", "annotations", "data", "artifactType"],
    below: [("platform", platform)])
  private static let document = Shape(
    ["schemaVersion", "mediaType", "artifactType", "annotations", "fsLayers", "history"],
    below: ["config", "layers", "manifests", "subject"].map { ($0, descriptor) })

  /// Looks at a document.
  ///
  /// - Parameter tree: a manifest or an index.
  /// - Throws: `OCIError.invalidDocument` that names the member.
  static func check(_ tree: JSONTree) throws(OCIError) { try check(tree, document, at: "") }

  private static func check(_ tree: JSONTree, _ shape: Shape, at place: String) throws(OCIError) {
    guard let names = tree.names else { return }
    var seen: Set<[UInt8]> = []
    for name in names {
      guard seen.insert(Array(name.utf8)).inserted else {
        throw .invalidDocument(reason: "it has \(shown(place, name)) twice")
      }
      guard let known = shape.names[folded(name)], !known.utf8.elementsEqual(name.utf8) else {
        continue
      }
      throw .invalidDocument(
        reason: "it has \(shown(place, name)), which some readers take for \"\(known)\"")
    }
    for (name, shape) in shape.below {
      guard let value = tree[name] else { continue }
      guard let elements = value.elements else {
        try check(value, shape, at: "\(place)\(name).")
        continue
      }
      for (number, element) in elements.enumerated() {
        try check(element, shape, at: "\(place)\(name)[\(number)].")
      }
    }
  }

  private static func shown(_ place: String, _ name: String) -> String {
    "\"\(place)\(name.shownSafely(limit: 60))\""
  }

  /// A name as Go compares it with others: without case, the long s and the Kelvin sign being
  /// letters of ASCII there.
  ///
  /// - Source: Go, `encoding/json/fold.go`, `unicode.SimpleFold`.
  private static func folded(_ name: String) -> [UInt8] {
    if name.utf8.allSatisfy({ $0 < 0x80 }) { return name.utf8.map(lowered) }
    return name.unicodeScalars.flatMap { scalar -> [UInt8] in
      switch scalar {
      case "\u{17F}": [UInt8(ascii: "s")]
      case "\u{212A}": [UInt8(ascii: "k")]
      default: String(scalar).utf8.map(lowered)
      }
    }
  }

  private static func lowered(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
  }
}
