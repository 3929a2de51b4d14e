import FoundationEssentials
package import OCI

/// What an image's configuration says, for those who only look.
extension ImageResolver {
  /// What the configuration of an image says.
  ///
  /// - Parameter manifest: a manifest of the client's repository.
  /// - Returns: nil where it is no image's.
  /// - Throws: `PullError`.
  package func details(of manifest: Manifest) async throws(PullError) -> ImageDetails? {
    guard let data = try await configurationData(of: manifest),
      manifest.isImage(ImageConfig(json: data))
    else { return nil }
    return ImageDetails(json: data)
  }

  /// What is to be said where a platform was asked for, and the image is for another because it is
  /// the only one.
  ///
  /// - Parameters:
  ///   - resolution: of the reference.
  ///   - wanted: the platform.
  /// - Throws: `PullError`.
  package func mismatch(_ resolution: Resolution, _ wanted: Platform) async throws(PullError)
    -> String?
  {
    guard case .manifest(let manifest) = resolution.root.content,
      let own = try await configuration(of: manifest)?.platform,
      wanted.preference(for: own) == nil
    else { return nil }
    return Self.mismatch(client.reference, own, wanted)
  }

  static func mismatch(_ reference: Reference, _ own: Platform, _ wanted: Platform) -> String {
    "\(reference) is not multi-platform; it is for \(own), not for \(wanted)"
  }
}
