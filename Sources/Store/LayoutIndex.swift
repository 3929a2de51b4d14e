import FoundationEssentials
public import OCI

/// The `index.json` of an OCI image layout: which manifests have names.
///
/// Fields that Cairn does not know are lost on writing only at the top level; entries of other tools
/// stay as they are as far as a descriptor can say them.
public struct LayoutIndex: Sendable, Equatable {
  /// The entries.
  public var manifests: [Descriptor] = []

  /// The annotation with an entry's name.
  public static let nameKey = "org.opencontainers.image.ref.name"
  /// The annotation with the digest of the index that an entry was chosen from.
  public static let indexKey = "dev.cairn.index.digest"
  /// The annotation with the digest that the registry serves, where an entry is an OCI twin of it.
  public static let sourceKey = "dev.cairn.source.digest"
  /// The annotation with the seconds since 1970 of the last pull.
  public static let pulledKey = "dev.cairn.pulled"

  /// The most bytes of notes that an entry takes over from a registry.
  private static let notesLimit = 64 << 10

  /// What of a registry's annotations an entry may carry: none that say what an entry is called or where it came from, and none at all
  /// where they are a burden.
  ///
  /// - Parameter served: annotations of a descriptor that a registry sent.
  public static func notes(served: [String: String]?) -> [String: String]? {
    guard let served else { return nil }
    let kept = served.filter { key, _ in
      key != nameKey && key != "io.containerd.image.name" && !key.hasPrefix("dev.cairn.")
    }
    let bytes = kept.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    return kept.isEmpty || bytes > notesLimit ? nil : kept
  }

  static let layoutFile = #"{"imageLayoutVersion":"1.0.0"}"#
  private static let limit: Int64 = 64 << 20

  /// An index without entries.
  public init() {}

  private struct Document: Codable {
    var schemaVersion = 2
    var mediaType: MediaType? = .ociIndex
    var manifests: [Descriptor]
  }

  init(readingFrom root: String) throws(StoreError) {
    let path = root + "/index.json"
    guard let index = Self(json: try Files.read(path, limit: Self.limit)) else {
      throw .badIndex(path: path, reason: "it is no OCI index")
    }
    self = index
  }

  init?(json data: Data) {
    guard let document = try? JSONDecoder().decode(Document.self, from: data) else { return nil }
    manifests = document.manifests
  }

  func encoded() throws(StoreError) -> Data {
    guard let data = try? StableJSON.encode(Document(manifests: manifests)) else {
      throw .badIndex(path: "index.json", reason: "it cannot be encoded")
    }
    guard data.count <= Self.limit else {
      throw .badIndex(
        path: "index.json", reason: "it would be larger than \(Self.limit >> 20) MiB")
    }
    return data
  }

  func write(to root: String, mode: UInt32 = 0o600) throws(StoreError) {
    try Files.writeAtomically(root + "/index.json", try encoded(), mode: mode)
  }

  /// The entry of a name.
  ///
  /// - Parameter name: for example `docker.io/library/ubuntu:latest`.
  public subscript(name: String) -> Descriptor? {
    manifests.first { $0.annotations?[Self.nameKey] == name }
  }

  /// Gives a name to a manifest, taking it from whatever had it.
  ///
  /// - Parameters:
  ///   - name: the name.
  ///   - descriptor: the manifest; other annotations stay.
  public mutating func set(_ name: String, _ descriptor: Descriptor) {
    var entry = descriptor
    entry.annotations = (entry.annotations ?? [:]).merging([Self.nameKey: name]) { $1 }
    if let index = manifests.firstIndex(where: { $0.annotations?[Self.nameKey] == name }) {
      manifests[index] = entry
    } else {
      manifests.append(entry)
    }
  }
}
