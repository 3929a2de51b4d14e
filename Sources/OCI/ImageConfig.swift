package import FoundationEssentials
import Text

/// What a pull reads of an image's configuration.
package struct ImageConfig: Sendable, Equatable {
  /// The platform that the image is for; nil where none is named.
  package let platform: Platform?
  /// Whether it is an image's, which lists the layers of a root file system, and not an artifact's.
  package let isImage: Bool
  /// How many layers of a root file system it lists, one for each of the manifest's.
  package let layers: Int
  /// What keeps programs in Go from reading it, as the end of a sentence; nil: nothing that is known here.
  package let flaw: String?

  private struct Document: Decodable {
    var os: String?
    var architecture: String?
    var variant: String?
    var hasLayers: Bool
    var layers: Int

    enum CodingKeys: String, CodingKey {
      case os, architecture, variant, rootfs
    }

    private enum RootCodingKeys: String, CodingKey {
      case type
      case layers = "diff_ids"
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      os = values.readable(String.self, .os)
      architecture = values.readable(String.self, .architecture)
      variant = values.readable(String.self, .variant)
      let root = try? values.nestedContainer(keyedBy: RootCodingKeys.self, forKey: .rootfs)
      // The list is null where an image has no layers.
      layers = (try? root?.nestedUnkeyedContainer(forKey: .layers))?.count ?? 0
      hasLayers =
        root.map { $0.contains(.layers) || $0.readable(String.self, .type) == "layers" } ?? false
    }
  }

  /// Reads a configuration.
  ///
  /// - Parameter data: the blob that a manifest names as its `config`; nil when it is no JSON object.
  package init?(json data: Data) {
    guard let document = try? OutsideJSON.decode(Document.self, from: data) else { return nil }
    isImage = document.hasLayers
    layers = document.layers
    flaw = ConfigurationFlaw.words(data)
    guard let os = document.os, let architecture = document.architecture, !os.isEmpty,
      !architecture.isEmpty
    else {
      platform = nil
      return
    }
    platform = Platform(os: os, architecture: architecture, variant: document.variant)
  }
}
