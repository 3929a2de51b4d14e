import FoundationEssentials
import Glibc
public import OCI

/// Writes a stored image to an output.
///
/// Everything is made under a temporary name and renamed at the end, so an output is there whole or
/// not at all.
public struct ImageWriter: Sendable {
  private let store: ContentStore
  private let overwrites: Bool

  /// Makes a writer.
  ///
  /// - Parameters:
  ///   - store: has the image.
  ///   - overwrites: whether an output that exists is replaced.
  public init(store: ContentStore, overwrites: Bool) {
    self.store = store
    self.overwrites = overwrites
  }

  /// Checks, before anything is downloaded, that an output can be written.
  ///
  /// - Parameters:
  ///   - target: the output.
  ///   - isIndex: whether all platforms of an index go into it.
  /// - Throws: `StoreError`.
  public func check(_ target: OutputTarget, isIndex: Bool) throws(StoreError) {
    switch target {
    case .oci(let directory, _):
      if Files.info(directory) != nil,
        !Files.list(directory).isEmpty || !Files.isDirectory(directory),
        Files.info(directory + "/oci-layout") == nil
      {
        throw .notALayout(path: directory)
      }
    case .ociArchive(let file, _), .dockerArchive(let file, _):
      if file == "-" {
        guard isatty(STDOUT_FILENO) == 0 else {
          throw .badOutput("an archive is not written to a terminal: redirect it or name a file")
        }
      } else {
        if Files.isDirectory(file) { throw .system(action: "write", path: file, errno: EISDIR) }
        if Files.info(file) != nil, !overwrites { throw .outputExists(path: file) }
        let parent = Files.parent(of: file)
        guard access(parent, W_OK) == 0 else { throw Files.failed("write to", parent) }
      }
    case .directory(let directory):
      if Files.info(directory) != nil,
        !Files.list(directory).isEmpty || !Files.isDirectory(directory)
      {
        guard overwrites else { throw .outputExists(path: directory) }
        guard Self.isDirectoryOutput(directory) else {
          throw .badOutput("\(directory) is not replaced: it was not made by a dir: output")
        }
      }
    }
    guard isIndex else { return }
    switch target {
    case .dockerArchive, .directory:
      throw .badOutput(
        "a docker-archive: or dir: output holds one platform: choose it with --platform, "
          + "or write to oci: or oci-archive:")
    case .oci, .ociArchive: break
    }
  }

  /// Writes an image.
  ///
  /// - Parameters:
  ///   - image: complete in the store.
  ///   - target: the output, checked before.
  /// - Throws: `StoreError`.
  public func write(_ image: StoredImage, to target: OutputTarget) throws(StoreError) {
    switch target {
    case .oci(let directory, let tag):
      try writeLayout(image, directory, tag: tag ?? image.reference.tag)
    case .ociArchive(let file, let tag):
      try writeArchive(file) { (tar) throws(StoreError) in
        try self.addLayout(image, tag: tag ?? image.reference.tag, to: tar)
      }
    case .dockerArchive(let file, let reference):
      try writeArchive(file) { (tar) throws(StoreError) in
        try self.addDockerArchive(image, reference: reference, to: tar)
      }
    case .directory(let directory):
      try writeDirectory(image, directory)
    }
  }

  /// Whether a directory is what a `dir:` output writes, and nothing but that: it is about to be removed as a whole.
  private static func isDirectoryOutput(_ directory: String) -> Bool {
    guard let version = try? Files.read(directory + "/version", limit: 100),
      version.starts(with: Data("Directory Transport Version: ".utf8))
    else { return false }
    return Files.list(directory).allSatisfy { name in
      // Other tools put signatures beside the blobs.
      let isKnown =
        ["version", "manifest.json"].contains(name) || name.hasPrefix("signature-")
        || Digest.Algorithm.allCases.contains { (try? Digest("\($0.rawValue):\(name)")) != nil }
      return isKnown && Files.size("\(directory)/\(name)") != nil
    }
  }

  // MARK: oci:

  private func writeLayout(_ image: StoredImage, _ directory: String, tag: String?)
    throws(StoreError)
  {
    try check(.oci(directory: directory, tag: tag), isIndex: false)
    try Files.makeDirectory(directory, mode: 0o755)
    let lock = try lockLayout(directory)
    let isNew = Files.info(directory + "/index.json") == nil
    var index = isNew ? LayoutIndex() : try LayoutIndex(readingFrom: directory)
    if let tag, index.hasName(tag), index[tag]?.digest != image.root.digest, !overwrites {
      throw .outputExists(path: "\(directory):\(tag)")
    }
    for descriptor in image.contents {
      let name = "blobs/\(descriptor.digest.algorithm.rawValue)"
      let folder = "\(directory)/\(name)"
      try Files.makeDirectory(name, below: directory, mode: 0o755)
      let target = "\(folder)/\(descriptor.digest.hex)"
      if Self.has(target, descriptor) { continue }
      try FileCopy.place(store.path(of: descriptor.digest), at: target)
      try Files.syncDirectory(folder)
    }
    if let tag {
      try index.set(tag, image.root)
    } else if !index.manifests.contains(where: { $0.digest == image.root.digest }) {
      try index.append(image.root)
    }
    try index.write(to: directory, mode: 0o644)
    withExtendedLifetime(lock) {}
  }

  /// Whether a file is what a descriptor says: others write to a layout, too, and a pull that ends well vouches for all of it.
  ///
  /// One that cannot be read is replaced like a wrong one.
  private static func has(_ path: String, _ descriptor: Descriptor) -> Bool {
    guard Files.size(path) == descriptor.size else { return false }
    return (try? FileHash.digest(ofFile: path, descriptor.digest.algorithm))
      == descriptor.digest
  }

  /// Makes a directory a layout, where it is none, and keeps other writers out of it.
  private func lockLayout(_ directory: String) throws(StoreError) -> OpenFile {
    let path = directory + "/oci-layout"
    if Files.info(path) == nil,
      let file = try? OpenFile(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
    {
      try file.writeAll(Array(LayoutIndex.layoutFile.utf8))
      try file.sync()
    }
    // NFS locks only what is open for writing; a layout of somebody else's may be locked all the same.
    let mode = access(path, W_OK) == 0 ? O_RDWR : O_RDONLY
    let file = try OpenFile(path, mode | O_NOFOLLOW)
    _ = try file.lock(exclusive: true, wait: true)
    return file
  }

  // MARK: Archives

  private func writeArchive(_ file: String, _ fill: (TarWriter) throws(StoreError) -> Void)
    throws(StoreError)
  {
    if file == "-" {
      let output = try OpenFile(duplicating: STDOUT_FILENO, named: "standard output")
      let tar = TarWriter(output)
      try fill(tar)
      try tar.finish()
      return
    }
    let temporary = Files.temporaryName(beside: file)
    do throws(StoreError) {
      let output = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
      let tar = TarWriter(output)
      try fill(tar)
      try tar.finish()
      try output.sync()
      try Files.replace(file, by: temporary)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private func addLayout(_ image: StoredImage, tag: String?, to tar: TarWriter) throws(StoreError) {
    try tar.add("oci-layout", Array(LayoutIndex.layoutFile.utf8))
    var index = LayoutIndex()
    if let tag { try index.set(tag, image.root) } else { try index.append(image.root) }
    try tar.add("index.json", Array(try index.encoded()))
    for descriptor in image.contents {
      try tar.add(
        "blobs/\(descriptor.digest.algorithm.rawValue)/\(descriptor.digest.hex)",
        copying: store.path(of: descriptor.digest), size: descriptor.size)
    }
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

  /// What an artifact gets in place of an archive.
  public static let noImage = StoreError.badOutput(
    "a docker-archive: output takes images only, and this is an artifact")

  private func isImage(_ manifest: Manifest) -> Bool {
    if manifest.config.mediaType.isImageConfig { return true }
    let configuration = store.document(manifest.config.digest).flatMap { ImageConfig(json: $0) }
    return manifest.isImage(configuration)
  }

  /// Checks, before anything is downloaded, that an output can hold what the manifests say.
  ///
  /// - Parameters:
  ///   - target: the output.
  ///   - manifests: of the image.
  /// - Throws: `StoreError.badOutput` for an artifact that is to go into an output of images.
  public func check(_ target: OutputTarget, of manifests: [Manifest]) throws(StoreError) {
    guard case .dockerArchive = target, let manifest = manifests.first,
      !manifest.config.mediaType.isImageConfig, manifest.isImage == false
    else { return }
    throw Self.noImage
  }

  /// Layers go in as they were served: `docker load` and skopeo unpack gzip and zstd themselves.
  private func addDockerArchive(_ image: StoredImage, reference: String?, to tar: TarWriter)
    throws(StoreError)
  {
    guard let manifest = image.manifests.first?.manifest, isImage(manifest) else {
      throw Self.noImage
    }
    func name(_ descriptor: Descriptor) -> String {
      "blobs/\(descriptor.digest.algorithm.rawValue)/\(descriptor.digest.hex)"
    }
    var tags: [String]?
    let named =
      try reference.map { (text) throws(StoreError) in
        do { return try Reference(text) } catch { throw StoreError.badOutput("\(error)") }
      } ?? image.reference
    if let tag = named.tag { tags = ["\(named.registry)/\(named.repository):\(tag)"] }
    let entry = DockerEntry(
      config: name(manifest.config), repoTags: tags, layers: manifest.layers.map(name))
    guard let json = try? StableJSON.encode([entry]) else {
      throw .badOutput("the archive's manifest cannot be encoded")
    }
    try tar.add("manifest.json", Array(json))
    for descriptor in manifest.blobs {
      try tar.add(
        name(descriptor), copying: store.path(of: descriptor.digest), size: descriptor.size)
    }
  }

  // MARK: dir:

  private func writeDirectory(_ image: StoredImage, _ directory: String) throws(StoreError) {
    guard let (descriptor, manifest) = image.manifests.first else { return }
    var trimmed = directory
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    let temporary = Files.temporaryName(beside: trimmed)
    try Files.makeDirectory(Files.parent(of: trimmed), mode: 0o755)
    guard mkdir(temporary, 0o755) == 0 else { throw Files.failed("make directory", temporary) }
    do throws(StoreError) {
      try Files.writeAtomically(
        temporary + "/version", Data("Directory Transport Version: 1.1\n".utf8), mode: 0o644)
      try FileCopy.place(store.path(of: descriptor.digest), at: temporary + "/manifest.json")
      for blob in manifest.blobs {
        try FileCopy.place(store.path(of: blob.digest), at: "\(temporary)/\(blob.digest.hex)")
      }
      try Files.syncDirectory(temporary)
      if Files.info(trimmed) != nil {
        try check(.directory(trimmed), isIndex: false)
        try Files.removeTree(trimmed)
      }
      guard rename(temporary, trimmed) == 0 else { throw Files.failed("write", trimmed) }
    } catch {
      try? Files.removeTree(temporary)
      throw error
    }
  }
}
