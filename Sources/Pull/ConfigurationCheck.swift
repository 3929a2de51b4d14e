import OCI

/// What an image's configuration says otherwise than whoever spoke of the image before.
///
/// None of it keeps an image from being pulled: it is what its registry has.
struct ConfigurationCheck {
  let reference: Reference
  let manifest: Manifest
  let config: ImageConfig
  /// What the index says that it is for.
  let named: Platform?
  /// What the user asked for, where there is no index.
  let wanted: Platform?

  /// Each in words.
  var objections: [String] { [platform, layers, form].compactMap { $0 } }

  private var platform: String? {
    guard let own = config.platform else { return nil }
    if let wanted, wanted.preference(for: own) == nil {
      return ImageResolver.mismatch(reference, own, wanted)
    }
    // Variants are left out often, and mean the usual one.
    guard let named, !named.isUnknown, named.kind != own.kind else { return nil }
    return "the index of \(reference) says that the image is for \(named), "
      + "its configuration says \(own)"
  }

  private var layers: String? {
    guard config.isImage, config.layers != manifest.layers.count else { return nil }
    return "the configuration of \(reference) lists \(config.layers) layers, its manifest "
      + "\(manifest.layers.count): docker and podman will not load it"
  }

  private var form: String? {
    guard config.isImage, let flaw = config.flaw else { return nil }
    return "the configuration of \(reference) \(flaw): docker, podman and skopeo cannot read it"
  }
}

extension Platform {
  /// Operating system and processor, in their usual names.
  fileprivate var kind: [String] {
    let usual = Platform(os: os, architecture: architecture)
    return [usual.os, usual.architecture]
  }
}
