import Disk
import FoundationEssentials
import Glibc
import OCI

/// `oci:`, an image layout that others may write to as well.
extension ImageWriter {
  func checkLayout(_ directory: String) throws(StoreError) {
    let found: Folder?
    do throws(StoreError) {
      found = try existing(directory)
    } catch .system(_, _, ENOTDIR) {
      throw .notALayout(path: directory)
    }
    guard let found else { return try checkRoom(for: directory) }
    try Self.check(found)
    _ = try Self.index(of: found)
    // Its index is replaced, whatever of the rest is there.
    if let obstacle = found.obstacle(to: LayoutIndex.fileName) { throw StoreError(obstacle) }
  }

  /// Fails where blobs are missing in a layout that takes none.
  func checkLayout(_ directory: String, has blobs: [Descriptor]) throws(StoreError) {
    guard let found = try existing(directory) else { return }
    for algorithm in Set(blobs.map(\.digest.algorithm)) {
      let name = "blobs/\(algorithm.rawValue)"
      guard let folder = (try? found.folder(name)) ?? (try? found.folder("blobs")),
        let code = folder.refusal
      else { continue }
      let mine = blobs.filter { $0.digest.algorithm == algorithm }
      guard mine.contains(where: { folder.size($0.digest.hex) != $0.size }) else { continue }
      throw StoreError(DiskError("write", folder.path, code))
    }
  }

  /// Fails where the name that an image is to have in a layout is another one's.
  ///
  /// What the form of this one will be is not sure where its types say something else than its layers are:
  /// with the same configuration it is left for the end.
  func checkTag(of image: StoredImage, in target: OutputTarget) throws(StoreError) {
    guard let tag = target.label ?? image.reference.askedTag, let found = try existing(target.path)
    else { return }
    let index = try Self.index(of: found)
    if let other = index[tag], let config = Self.configuration(of: other, in: found),
      image.manifests.contains(where: { $0.manifest.config.digest == config })
    {
      return
    }
    try check(tag, of: image, in: index, target.path)
  }

  private func check(
    _ tag: String, of image: StoredImage, in index: LayoutIndex, _ directory: String
  ) throws(StoreError) {
    guard index.hasName(tag), index[tag]?.digest != image.root.digest, !overwrites else { return }
    throw .outputExists(path: "\(directory):\(tag)")
  }

  /// What a manifest in a layout names as its configuration; nil: it is none, or cannot be read.
  private static func configuration(of entry: Descriptor, in folder: Folder) -> Digest? {
    let name = "blobs/\(entry.digest.algorithm.rawValue)/\(entry.digest.hex)"
    guard let bytes = try? folder.read(name, limit: ContentStore.documentLimit),
      case .manifest(let manifest)? = try? ImageDocument.parse(Data(bytes), contentType: nil)
    else { return nil }
    return manifest.config.digest
  }

  /// Fails where an open directory is no layout, or parts of it lead elsewhere.
  private static func check(_ folder: Folder) throws(StoreError) {
    func isLayout() -> Bool { folder.info(LayoutIndex.layoutName) != nil }
    // In this order: somebody else may make it one meanwhile.
    guard folder.isBare || isLayout() else {
      throw .notALayout(path: folder.path)
    }
    for name in [LayoutIndex.layoutName, LayoutIndex.fileName] {
      guard let kind = folder.info(name)?.kind, kind != .regular else { continue }
      throw .refused("cannot write \(folder.path(of: name)): \(kind.words)")
    }
    try LayoutIndex.checkVersion(in: folder)
    guard folder.info("blobs") != nil else { return }
    let blobs = try disk(try folder.folder("blobs"))
    for algorithm in Digest.Algorithm.allCases where blobs.info(algorithm.rawValue) != nil {
      _ = try disk(try blobs.folder(algorithm.rawValue))
    }
  }

  private static func index(of folder: Folder) throws(StoreError) -> LayoutIndex {
    folder.info(LayoutIndex.fileName) == nil
      ? LayoutIndex() : try LayoutIndex(readingFrom: folder)
  }

  func writeLayout(_ image: StoredImage, _ directory: String, tag: String?) throws(StoreError) {
    // Opened once: what is looked at is what is written to, whatever the path leads to by then.
    let folder: Folder
    do throws(DiskError) {
      folder = try Folder(directory, making: 0o755)
    } catch {
      throw error.code == ENOTDIR ? .notALayout(path: directory) : StoreError(error)
    }
    try Self.check(folder)
    // Before anything else is in it, by which another writer would take it for something else.
    try LayoutIndex.writeVersion(to: folder, mode: 0o644)
    Leftovers.clear(in: folder)
    for algorithm in Set(image.contents.map(\.digest.algorithm)) {
      if let blobs = try? folder.folder("blobs/\(algorithm.rawValue)") {
        Leftovers.clear(in: blobs)
      }
    }
    // Blobs go by their digests: whoever writes one at the same time writes the same.
    for descriptor in image.contents {
      let blobs = try disk(
        try folder.folder("blobs/\(descriptor.digest.algorithm.rawValue)", making: 0o755))
      if try Self.has(descriptor, in: blobs) { continue }
      try copy.place(descriptor, of: store, at: descriptor.digest.hex, in: blobs)
      try disk(try blobs.sync())
    }
    let locks = try lockLayout(folder)
    var index = try Self.index(of: folder)
    if let tag { try check(tag, of: image, in: index, directory) }
    if let tag {
      try index.set(tag, image.root)
    } else if !index.manifests.contains(where: { $0.digest == image.root.digest }) {
      try index.append(image.root)
    }
    try index.write(to: folder, mode: 0o644)
    withExtendedLifetime(locks) {}
  }

  /// Whether a file is what a descriptor says: others write to a layout, too, and a pull that ends
  /// well vouches for all of it.
  ///
  /// One that cannot be read is replaced like a wrong one.
  private static func has(_ descriptor: Descriptor, in blobs: Folder) throws(StoreError) -> Bool {
    guard blobs.size(descriptor.digest.hex) == descriptor.size,
      let file = try? OpenFile(descriptor.digest.hex, in: blobs, O_RDONLY)
    else { return false }
    do throws(StoreError) {
      return try FileHash.digest(of: file, descriptor.digest.algorithm) == descriptor.digest
    } catch .interrupted {
      throw .interrupted
    } catch {
      return false
    }
  }

  /// Keeps other writers out of a layout's index.
  private func lockLayout(_ folder: Folder) throws(StoreError) -> [OpenFile] {
    let name = LayoutIndex.layoutName
    // NFS locks only what is open for writing; a layout of somebody else's may be locked all the same.
    let file =
      if let opened = try? OpenFile(name, in: folder, O_RDWR) { opened } else {
        try disk(try OpenFile(name, in: folder, O_RDONLY))
      }
    try disk(try file.waitForLock(seconds: ContentStore.lockSeconds, tell: tell))
    // A store is a layout as well, with a lock of its own.
    guard let state = try? folder.folder(".cairn"),
      let store = try? OpenFile("index.lock", in: state, O_RDWR)
    else { return [file] }
    try disk(try store.waitForLock(seconds: ContentStore.lockSeconds, tell: tell))
    return [file, store]
  }
}
