import Disk
import OCI

/// `oci-archive:` and `docker-archive:`.
extension ImageWriter {
  func checkArchive(_ file: String) throws(StoreError) {
    switch try disk(try OutputFile.check(file)) {
    case .file where !overwrites: throw .outputExists(path: file)
    case .stream where OutputFile.isTerminal(file):
      throw .badOutput("an archive is not written to a terminal: redirect it or name a file")
    case .nothing, .file, .stream: break
    }
  }

  func writeArchive(_ file: String, _ fill: (TarWriter) throws(StoreError) -> Void)
    throws(StoreError)
  {
    // What has come to be there meanwhile is not replaced without being asked for.
    try checkArchive(file)
    let output = try disk(try OutputFile(file, replaces: overwrites, tell: tell))
    let tar = TarWriter(output)
    try fill(tar)
    try tar.finish()
    try disk(try output.finish())
  }

  func addLayout(_ image: StoredImage, tag: String?, to tar: TarWriter) throws(StoreError) {
    try tar.add(LayoutIndex.layoutName, Array(LayoutIndex.layoutFile.utf8))
    var index = LayoutIndex()
    if let tag { try index.set(tag, image.root) } else { try index.append(image.root) }
    try tar.add(LayoutIndex.fileName, Array(try index.encoded()))
    for descriptor in image.contents { try add(descriptor, to: tar) }
  }

  private static func name(_ descriptor: Descriptor) -> String {
    "blobs/\(descriptor.digest.algorithm.rawValue)/\(descriptor.digest.hex)"
  }

  private func add(_ descriptor: Descriptor, to tar: TarWriter) throws(StoreError) {
    let blob = try store.requireSound(descriptor)
    try tar.add(Self.name(descriptor), copying: blob.file, size: descriptor.size)
    try blob.recheck()
  }

  private struct DockerEntry: Encodable {
    var config: String
    var repoTags: [String]?
    var layers: [String]

    enum CodingKeys: String, CodingKey {
      case config = "Config"
      case repoTags = "RepoTags"
      case layers = "Layers"
    }
  }

  private func isImage(_ manifest: Manifest) -> Bool {
    if manifest.config.mediaType.isImageConfig { return true }
    let configuration = store.document(manifest.config.digest).flatMap { ImageConfig(json: $0) }
    return manifest.isImage(configuration)
  }

  /// Layers go in as they were served: `docker load` (zstd since 23.0) and skopeo unpack them.
  func addDockerArchive(_ image: StoredImage, reference: String?, to tar: TarWriter)
    throws(StoreError)
  {
    guard let manifest = image.manifests.first?.manifest, isImage(manifest) else {
      throw OutputTransport.dockerArchive.noImage
    }
    try requireLoadable(manifest, for: .dockerArchive)
    let given = try reference.map { (text) throws(StoreError) in
      do { return try Reference(text) } catch { throw StoreError.badOutput("\(error)") }
    }
    let named = given ?? image.reference
    // What the user calls it here is his own word; what was pulled has the tag that was asked for.
    let tag = given == nil ? named.askedTag : named.tag
    let tags = tag.map { ["\(named.registry)/\(named.repository):\($0)"] }
    let entry = DockerEntry(
      config: Self.name(manifest.config), repoTags: tags, layers: manifest.layers.map(Self.name))
    guard let json = try? StableJSON.encode([entry]) else {
      throw .badOutput("the archive's manifest cannot be encoded")
    }
    try tar.add("manifest.json", Array(json))
    for descriptor in manifest.blobs { try add(descriptor, to: tar) }
  }
}
