public import FoundationEssentials

/// What a pull reads of an image's configuration.
public struct ImageConfig: Sendable, Equatable {
  /// The platform that the image is for; nil where none is named.
  public let platform: Platform?

  private struct Document: Decodable {
    var os: String?
    var architecture: String?
    var variant: String?
  }

  /// Reads a configuration.
  ///
  /// - Parameter data: the blob that a manifest names as its `config`; nil when it is no image's.
  public init?(json data: Data) {
    guard let document = try? JSONDecoder().decode(Document.self, from: data) else { return nil }
    guard let os = document.os, let architecture = document.architecture, !os.isEmpty,
      !architecture.isEmpty
    else {
      platform = nil
      return
    }
    platform = Platform(os: os, architecture: architecture, variant: document.variant)
  }
}
