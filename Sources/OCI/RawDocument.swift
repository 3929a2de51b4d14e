/// The union of every field that decides what a document is.
struct RawDocument: Decodable {
  /// `schemaVersion`, also as a string or with a fraction of nothing; nil where it says nothing:
  /// none, null, 0, no number.
  let version: Double?
  let mediaType: MediaType?
  let artifactType: String?
  let config: Descriptor?
  let layers: [Descriptor]?
  let manifests: [Tolerant<IndexEntry>]?
  let hasFSLayers: Bool

  enum CodingKeys: String, CodingKey {
    case schemaVersion, mediaType, artifactType, config, layers, manifests, fsLayers
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    version = Self.version(values)
    mediaType = values.readable(MediaType.self, .mediaType)
    artifactType = values.readable(String.self, .artifactType)
    // Schema 1 has neither of these in today's form: it must be told apart before they are read.
    hasFSLayers = try values.contains(.fsLayers) && !values.decodeNil(forKey: .fsLayers)
    guard version == nil || version == 2 else {
      (config, layers, manifests) = (nil, nil, nil)
      return
    }
    config = try values.decodeIfPresent(Descriptor.self, forKey: .config)
    layers = try values.decodeIfPresent([Descriptor].self, forKey: .layers)
    manifests = try values.decodeIfPresent([Tolerant<IndexEntry>].self, forKey: .manifests)
  }

  private static func version(_ values: KeyedDecodingContainer<CodingKeys>) -> Double? {
    let text = values.readable(String.self, .schemaVersion)
    let number = values.readable(Double.self, .schemaVersion) ?? text.flatMap { Double($0) }
    return number == 0 ? nil : number
  }

  /// True where it is of schema 2, by its own word or, where it has none, by its content.
  var isOfVersion2: Bool { version == 2 || version == nil && (config != nil || manifests != nil) }

  /// True for a manifest of schema 1.
  var isSchema1: Bool {
    version == 1 || mediaType?.isSchema1 == true
      || version == nil && hasFSLayers && !isOfVersion2
  }
}
