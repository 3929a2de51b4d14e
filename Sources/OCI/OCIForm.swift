package import FoundationEssentials

/// Documents in the words that every reader of OCI image layouts knows.
///
/// An OCI image layout names OCI manifests only; its readers skip entries with Docker's media
/// types, refuse a manifest whose configuration has another type than an image's, and read no
/// document in which a member is of the wrong kind. Such a document gets a twin that says the same
/// in those words. Everything else stays as it is, also members that are not known here.
///
/// What a configuration is, its content decides: an image's lists the layers of a root file system.
/// A vendor's type (`application/vnd.…`) is believed, however, so that artifacts stay what they
/// are. A layer of an image has OCI's type if it has one of OCI's or a vendor's; Docker's are
/// translated, and where a type says nothing, the first bytes decide; they also do where OCI's own
/// type says something else of them.
package enum OCIForm {
  /// A manifest's twin.
  ///
  /// - Parameters:
  ///   - data: the manifest as it was served.
  ///   - manifest: what was read of it.
  ///   - isImage: whether its configuration is an image's.
  ///   - content: how a layer is packed; nil where that is not known.
  /// - Returns: nil where the manifest needs none.
  package static func manifest(
    _ data: Data, _ manifest: Manifest, isImage: Bool, content: (Descriptor) -> LayerContent?
  ) -> Data? {
    guard let found = JSONTree(data) else { return nil }
    let edited = edited(
      found, manifest, config: isImage ? .ociConfig : manifest.config.mediaType.ociForm
    ) {
      isImage ? $0.mediaType.layerForm(content($0)) : $0.mediaType.ociForm
    }
    return edited.flatMap { finished($0, .ociManifest, found: found) }
  }

  /// A manifest with these types, and without what makes others refuse a descriptor in it.
  private static func edited(
    _ found: JSONTree, _ manifest: Manifest, config type: MediaType,
    layerType: (Descriptor) -> MediaType
  ) -> JSONTree? {
    guard let config = found["config"] else { return nil }
    let layers = found["layers"]?.elements ?? []
    guard layers.count == manifest.layers.count else { return nil }
    var tree = found
    tree["config"] = DescriptorForm.cleaned(config, manifest.config, type: type)
    if !layers.isEmpty {
      tree["layers"] = .array(
        zip(layers, manifest.layers).map { DescriptorForm.cleaned($0, $1, type: layerType($1)) })
    }
    return tree
  }

  /// An index's twin.
  ///
  /// It does not name what was passed over, so that readers find all that it names.
  ///
  /// - Parameters:
  ///   - data: the index as it was served.
  ///   - forms: what is to be named in place of a manifest or an index, by the digest of that; it
  ///     may be the same. What is not there was passed over.
  /// - Returns: nil where the index needs none.
  package static func index(_ data: Data, _ forms: [Digest: Descriptor]) -> Data? {
    guard let found = JSONTree(data), let entries = found["manifests"]?.elements else { return nil }
    var tree = found
    tree["manifests"] = .array(
      entries.compactMap { entry in
        guard let descriptor = entry.decoded(as: IndexEntry.self)?.descriptor else { return nil }
        return forms[descriptor.digest].map { self.entry(entry, descriptor, $0) }
      })
    return finished(tree, .ociIndex, found: found)
  }

  private static func entry(_ found: JSONTree, _ descriptor: Descriptor, _ form: Descriptor)
    -> JSONTree
  {
    var named = descriptor
    (named.size, named.hasSize) = (form.size, true)
    var tree = DescriptorForm.cleaned(found, named, type: form.mediaType)
    if form.digest != descriptor.digest {
      tree["digest"] = JSONTree(string: form.digest.description)
      // The content itself, which is another now.
      tree["data"] = nil
    }
    return tree
  }

  /// Whether a manifest is Docker's, letter by letter: who reads a single manifest knows those, too.
  ///
  /// - Parameters:
  ///   - data: the manifest as it was served.
  ///   - manifest: what was read of it.
  package static func isDockers(_ data: Data, _ manifest: Manifest) -> Bool {
    guard let found = JSONTree(data),
      found["mediaType"]?.string == MediaType.dockerManifest.rawValue,
      manifest.config.mediaType == .dockerConfig,
      manifest.layers.allSatisfy({ MediaType.dockerLayers.contains($0.mediaType.rawValue) })
    else { return false }
    let edited = edited(found, manifest, config: .dockerConfig) { $0.mediaType }
    return edited.map { finished($0, .dockerManifest, found: found) == nil } ?? false
  }

  private static func finished(_ edited: JSONTree, _ type: MediaType, found: JSONTree) -> Data? {
    var tree = DescriptorForm.withoutOddNotes(edited)
    if let subject = tree["subject"] { tree["subject"] = DescriptorForm.subject(subject) }
    // Members of another kind's documents, which are null here.
    for name in type.isIndex ? ["config", "layers"] : ["manifests"] { tree[name] = nil }
    for name in ["fsLayers", "history"] { tree[name] = nil }
    tree["schemaVersion"] = .scalar(Array("2".utf8))
    // Another spelling of the same string is no other type.
    if let own = tree["mediaType"], !own.isNull, own.string != type.rawValue {
      tree["mediaType"] = JSONTree(string: type.rawValue)
    }
    guard tree != found else { return nil }
    tree["mediaType"] = JSONTree(string: type.rawValue)
    return tree.data
  }
}

extension MediaType {
  /// The OCI type of the same content; other types are returned as they are.
  package var ociForm: MediaType {
    switch self {
    case .dockerList: return .ociIndex
    case .dockerManifest: return .ociManifest
    case .dockerConfig: return .ociConfig
    default: break
    }
    guard isDockerLayer else { return self }
    if rawValue.hasSuffix("gzip") || rawValue.hasSuffix("x-gtar") { return layer(.gzip) }
    return layer(rawValue.hasSuffix("zstd") ? .zstd : .tar)
  }

  /// The OCI type of an image's layer.
  ///
  /// - Parameter content: how it is packed; nil where that is not known.
  func layerForm(_ content: LayerContent?) -> MediaType {
    guard isDockerLayer || isOldLayer || isLayer || !isVendors else { return self }
    guard let content else { return ociForm }
    return layer(content)
  }

  private func layer(_ content: LayerContent) -> MediaType {
    let isForeign = rawValue.contains(".foreign.") || rawValue.contains(".nondistributable.")
    return MediaType(
      rawValue: "application/vnd.oci.image.layer." + (isForeign ? "nondistributable." : "")
        + "v1.tar" + content.suffix)
  }

  /// Docker's types of layers that readers of its manifests know.
  ///
  /// Source: containers/image, `manifest/manifest.go`.
  fileprivate static let dockerLayers: Set<String> = [
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ]

  /// Docker's types of layers, of schema 2 and of what came before it was finished, and others' like them.
  var isDockerLayer: Bool {
    rawValue.hasPrefix("application/vnd.docker.image.rootfs.")
      || rawValue.hasPrefix("application/vnd.docker.container.image.rootfs.")
  }

  /// OCI's types of layers, which say no more than how one is packed: not those of encrypted ones.
  private var isLayer: Bool {
    ["", "nondistributable."].contains { kind in
      ["", "+gzip", "+zstd"].contains {
        rawValue == "application/vnd.oci.image.layer.\(kind)v1.tar\($0)"
      }
    }
  }

  /// OCI's types of layers before version 1.0.
  private var isOldLayer: Bool {
    rawValue.hasPrefix("application/vnd.oci.image.rootfs.")
      || rawValue.hasPrefix("application/vnd.oci.image.serialization.rootfs.")
  }
}
