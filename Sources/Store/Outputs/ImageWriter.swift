import Disk
import FoundationEssentials
import Glibc
package import OCI

/// Writes a stored image to an output.
///
/// What is whole gets its name at the end, so an output is there whole or not at all. Blobs are
/// known to be right when they go out: a blob that is not what it was when it was published is read
/// again before, and what is changed meanwhile ends the output.
package struct ImageWriter: Sendable {
  let store: ContentStore
  let overwrites: Bool
  let copy: FileCopy
  let tell: @Sendable (String) -> Void

  /// Makes a writer.
  ///
  /// - Parameters:
  ///   - store: has the image.
  ///   - overwrites: whether an output that exists is replaced.
  ///   - links: whether large blobs of directories may be hard links to the store's, where they
  ///     cannot share blocks.
  ///   - tell: told what takes long: a lock, or the reader of a pipe.
  package init(
    store: ContentStore, overwrites: Bool, links: Bool = false,
    tell: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.store = store
    self.overwrites = overwrites
    self.tell = tell
    copy = FileCopy(links: links)
  }

  /// Checks, before anything is downloaded, that an output can be written.
  ///
  /// - Parameters:
  ///   - target: the output.
  ///   - isIndex: whether all platforms of an index go into it.
  /// - Throws: `StoreError`.
  package func check(_ target: OutputTarget, isIndex: Bool) throws(StoreError) {
    try checkPlace(of: target)
    switch target.transport {
    case .oci: try checkLayout(target.path)
    case .ociArchive, .dockerArchive: try checkArchive(target.path)
    case .directory: try checkDirectory(target.path)
    }
    guard isIndex, target.transport.holdsOnePlatform else { return }
    throw .badOutput(
      "a \(OutputTransport.choice { $0.holdsOnePlatform }) output holds one platform: "
        + "choose it with --platform, "
        + "or write to \(OutputTransport.choice { !$0.holdsOnePlatform })")
  }

  /// Opens a directory of an output; nil where there is nothing.
  func existing(_ directory: String) throws(StoreError) -> Folder? {
    do throws(DiskError) {
      return try Folder(directory)
    } catch {
      guard error.code == ENOENT else { throw StoreError(error) }
      return nil
    }
  }

  /// Fails where an output is a part of the store, which is an output of its own only as a whole.
  private func checkPlace(of target: OutputTarget) throws(StoreError) {
    let path = target.path
    let folder: Folder?
    switch target.transport {
    case .ociArchive, .dockerArchive: folder = OutputFile.folder(of: path)
    case .directory: folder = try nearest(to: path)
    case .oci:
      let found = try? existing(path)
      if let found, store.folder.isWithin(found), found.isWithin(store.folder) { return }
      let closest = try nearest(to: path)
      folder = found ?? closest
    }
    guard let folder, folder.isWithin(store.folder) else { return }
    throw .badOutput(
      "\(path) is inside the store \(store.root), which is written as a whole, by oci: only")
  }

  /// The directory closest to a path, but not the path's own, that is there.
  private func nearest(to directory: String) throws(StoreError) -> Folder? {
    var path = directory
    while path != ".", path != "/" {
      path = Files.parent(of: path)
      if let folder = try existing(path) { return folder }
    }
    return nil
  }

  /// Fails where a directory that is not there cannot be made.
  func checkRoom(for directory: String) throws(StoreError) {
    guard let code = try nearest(to: directory)?.refusal else { return }
    throw StoreError(DiskError("make directory", directory, code))
  }

  /// Writes an image.
  ///
  /// - Parameters:
  ///   - image: complete in the store.
  ///   - target: the output, checked before.
  /// - Throws: `StoreError`.
  package func write(_ image: StoredImage, to target: OutputTarget) throws(StoreError) {
    try checkPlace(of: target)
    let (path, label) = (target.path, target.label)
    switch target.transport {
    case .oci:
      try writeLayout(image, path, tag: label ?? image.reference.askedTag)
    case .ociArchive:
      try writeArchive(path) { (tar) throws(StoreError) in
        try self.addLayout(image, tag: label ?? image.reference.askedTag, to: tar)
      }
    case .dockerArchive:
      try writeArchive(path) { (tar) throws(StoreError) in
        try self.addDockerArchive(image, reference: label, to: tar)
      }
    case .directory:
      try writeDirectory(image, path)
    }
  }

  /// Checks, before anything is downloaded, that an output can hold what the manifests say.
  ///
  /// - Parameters:
  ///   - target: the output.
  ///   - manifests: of the image.
  ///   - image: its root, as far as that can be foreseen, and what it is pulled as.
  /// - Throws: `StoreError`: an artifact, or layers that nobody could load, are to go into what takes images
  ///   only, blobs into a directory that takes none, or a name is to be taken from another image.
  package func check(
    _ target: OutputTarget, of manifests: [Manifest], in image: StoredImage
  ) throws(StoreError) {
    switch target.transport {
    case .oci:
      try checkLayout(target.path, has: manifests.flatMap(\.blobs))
      try checkTag(of: image, in: target)
    case .ociArchive, .dockerArchive, .directory: break
    }
    guard target.transport.takesImagesOnly, let manifest = manifests.first else { return }
    if !manifest.config.mediaType.isImageConfig, manifest.isImage == false {
      throw target.transport.noImage
    }
    try requireLoadable(manifest, for: target.transport)
  }

  /// Fails where a layer is encrypted, or none: `docker load`, `podman load` and skopeo all fail with such an
  /// archive.
  func requireLoadable(_ manifest: Manifest, for transport: OutputTransport) throws(StoreError) {
    guard let layer = manifest.layers.first(where: { !$0.mediaType.isLoadable }) else { return }
    let kind =
      layer.mediaType.isEncrypted
      ? "encrypted layers" : "layers of type \(layer.mediaType.rawValue.shownSafely(limit: 100))"
    throw .badOutput(
      "a \(transport.word) output takes no \(kind), which nobody could load; "
        + "oci: and dir: take them"
    )
  }
}
