import Disk
package import FoundationEssentials
import Glibc
package import OCI
import Text

/// The content store: an OCI image layout on disk that other tools read as it is.
///
/// ```
/// oci-layout, index.json, blobs/<algorithm>/<hex>      the OCI image layout
/// .cairn/version                                      format of what follows
/// .cairn/lock                                         shared by pulls, exclusive for prune
/// .cairn/index.lock                                   held while index.json is changed
/// .cairn/ingest/<algorithm>-<hex>.partial, .map       blobs on their way
/// .cairn/marks/<algorithm>-<hex>                      what blobs were like when they were right
/// ```
/// The directory is opened once. Everything below is reached from there, and never through a link.
package struct ContentStore: Sendable {
  /// The format that this version reads and writes.
  package static let formatVersion = 1
  /// The most bytes a manifest, an index or a configuration may have to be read into memory.
  package static let documentLimit: Int64 = 4 << 20

  /// The store's directory.
  package let root: String
  let folder: Folder
  /// Where blobs are on their way; nil in a store that is only read, where there is none.
  let ingest: Folder?
  let marks: BlobMarks
  let knownIndex = KnownIndex()
  /// Whether nothing is made or changed in it.
  package let isOnlyRead: Bool
  let bootID: String
  let tell: @Sendable (String) -> Void

  /// Opens a store, or makes one.
  ///
  /// - Parameters:
  ///   - root: its directory.
  ///   - tell: told what takes long: somebody else's lock that is waited for; and that others can change it.
  /// - Throws: `StoreError`: not writable, another thing than a store, or of a later version.
  package init(root: String, tell: @escaping @Sendable (String) -> Void = { _ in })
    throws(StoreError)
  {
    self.root = root
    self.tell = tell
    isOnlyRead = false
    bootID = Self.readBootID()
    // A limit on the size of files (ulimit -f) is to be an error that is told, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    folder = try disk(try Folder(root, making: 0o700))
    // In this order: what another process begins to make in between is seen as what it is.
    guard folder.isBare || Self.isLayout(folder) else { throw .notALayout(path: root) }
    try LayoutIndex.checkVersion(in: folder)
    ingest = try disk(try folder.folder(".cairn/ingest", making: 0o700))
    if let ingest { Leftovers.clear(in: ingest) }
    marks = BlobMarks(try? folder.folder(".cairn/marks", making: 0o700), of: folder)
    for algorithm in Digest.Algorithm.allCases {
      _ = try disk(try folder.folder("blobs/" + algorithm.rawValue, making: 0o700))
    }
    // Several processes may open a new store at the same time; one of them fills it.
    let lock = try lockIndex()
    try checkVersion()
    if folder.info(LayoutIndex.fileName) == nil { try LayoutIndex().write(to: folder) }
    try LayoutIndex.writeVersion(to: folder, mode: 0o600)
    withExtendedLifetime(lock) {}
    sayWhoseItIs()
  }

  /// Opens a store for reading: nothing in it is made or changed.
  ///
  /// Others may own it, and it may be where nobody can write. Any OCI image layout will do.
  ///
  /// - Parameters:
  ///   - root: its directory.
  ///   - tell: told what takes long.
  /// - Returns: nil where there is nothing.
  /// - Throws: `StoreError`: another thing than a store, or of a later version.
  package static func reading(
    _ root: String, tell: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(StoreError) -> ContentStore? {
    let folder: Folder
    do throws(DiskError) {
      folder = try Folder(root)
    } catch {
      guard error.code == ENOENT else { throw StoreError(error) }
      return nil
    }
    // Whoever may not look into a directory does not know that it is empty. In this order, as above.
    if folder.isReadable, folder.isBare { return nil }
    guard isLayout(folder) else { throw .notALayout(path: root) }
    return try ContentStore(reading: folder, root, tell)
  }

  private init(reading folder: Folder, _ root: String, _ tell: @escaping @Sendable (String) -> Void)
    throws(StoreError)
  {
    self.root = root
    self.tell = tell
    self.folder = folder
    isOnlyRead = true
    bootID = ""
    ingest = try? folder.folder(".cairn/ingest")
    marks = BlobMarks(nil, of: folder)
    if folder.info(".cairn") != nil { try checkVersion() }
    try LayoutIndex.checkVersion(in: folder)
  }

  /// Whether a directory is a store, or another layout.
  private static func isLayout(_ folder: Folder) -> Bool {
    folder.info(".cairn") != nil || folder.info(LayoutIndex.layoutName) != nil
  }

  private func checkVersion() throws(StoreError) {
    let state = try state()
    guard state.info("version") != nil else {
      guard !isOnlyRead else { return }
      try disk(
        try state.writeAtomically("version", "\(Self.formatVersion)\n".utf8, mode: 0o600))
      return
    }
    let bytes = try disk(try state.read("version", limit: 64))
    let text = String(outside: bytes).parts(at: "\n").first ?? ""
    guard text == "\(Self.formatVersion)" else {
      throw .newerVersion(path: root, found: String(text))
    }
  }

  private static func readBootID() -> String {
    let text = try? InputFile.text("/proc/sys/kernel/random/boot_id", limit: 64)
    return text.map { $0.filter { $0.isHexDigit } } ?? ""
  }

  /// The directory of what is Cairn's own.
  func state() throws(StoreError) -> Folder { try disk(try folder.folder(".cairn")) }

  // MARK: Blobs

  /// The directory of the blobs of an algorithm.
  func blobs(_ algorithm: Digest.Algorithm) throws(StoreError) -> Folder {
    try disk(try folder.folder("blobs/" + algorithm.rawValue))
  }

  /// The directory of the blobs of an algorithm; nil where there is none.
  func existingBlobs(_ algorithm: Digest.Algorithm) throws(StoreError) -> Folder? {
    do throws(DiskError) {
      return try folder.folder("blobs/" + algorithm.rawValue)
    } catch {
      guard error.code == ENOENT else { throw StoreError(error) }
      return nil
    }
  }

  /// Where a blob stands, or would stand.
  ///
  /// - Parameter digest: the blob's digest.
  package func path(of digest: Digest) -> String {
    "\(root)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)"
  }

  /// The size of a blob's file in bytes, whatever its content has become since; nil where there is none.
  ///
  /// - Parameter digest: the blob's digest.
  package func size(of digest: Digest) -> Int64? {
    (try? blobs(digest.algorithm))?.size(digest.hex)
  }

  /// True when a blob of that digest and size is in the store, whatever its content has become since.
  ///
  /// - Parameter descriptor: the blob.
  package func contains(_ descriptor: Descriptor) -> Bool {
    size(of: descriptor.digest) == descriptor.size
  }

  /// True when a blob is in the store and right: as it was when it was published, or else read once more.
  ///
  /// - Parameter descriptor: the blob.
  /// - Throws: `StoreError`: it cannot be read, or the task was cancelled meanwhile.
  package func holds(_ descriptor: Descriptor) throws(StoreError) -> Bool {
    try sound(descriptor) != nil
  }

  /// Opens a blob that is right; nil where there is none.
  func sound(_ descriptor: Descriptor) throws(StoreError) -> SoundBlob? {
    let digest = descriptor.digest
    guard let blobs = try? blobs(digest.algorithm), blobs.size(digest.hex) == descriptor.size
    else { return nil }
    let file = try disk(try OpenFile(digest.hex, in: blobs, O_RDONLY))
    guard let info = file.info, info.st_size == descriptor.size else { return nil }
    if marks.knows(digest, FileMark(info), in: blobs) {
      return SoundBlob(descriptor: descriptor, file: file, mark: FileMark(info))
    }
    guard let mark = Self.mark(of: file), !marks.knowsWrong(digest, mark) else { return nil }
    let blob = SoundBlob(descriptor: descriptor, file: file, mark: mark)
    let found = try FileHash.digest(of: file, digest.algorithm)
    guard found == digest else {
      marks.noteWrong(digest, mark)
      return nil
    }
    try blob.recheck()
    marks.note(digest, mark)
    return blob
  }

  /// What a file is like that is about to be read.
  static func mark(of file: OpenFile) -> FileMark? {
    // Whoever has it mapped changes its times by the first write to each page that is clean.
    try? file.sync()
    return file.info.map { FileMark($0) }
  }

  /// Opens a blob that an output is made of.
  ///
  /// - Throws: `StoreError.wrongContent` where there is none that is right.
  func requireSound(_ descriptor: Descriptor) throws(StoreError) -> SoundBlob {
    if let blob = try sound(descriptor) { return blob }
    throw .wrongContent(
      expected: descriptor.digest, found: "the store's file was changed since it was fetched")
  }

  /// Reads a small blob (manifest, index, configuration) and checks it.
  ///
  /// - Parameter digest: its digest.
  /// - Returns: nil when it is not in the store or no longer what it was.
  package func document(_ digest: Digest) -> Data? {
    guard
      let bytes = try? blobs(digest.algorithm).read(digest.hex, limit: Self.documentLimit),
      (try? Digest.of(bytes, digest.algorithm)) == digest
    else { return nil }
    return Data(bytes)
  }

  /// How a layer's file is packed, by its first bytes.
  ///
  /// - Parameter digest: the layer's digest.
  /// - Returns: nil when it is not in the store or nothing that is known.
  package func content(ofLayer digest: Digest) -> LayerContent? {
    guard let folder = try? blobs(digest.algorithm),
      let file = try? OpenFile(digest.hex, in: folder, O_RDONLY)
    else { return nil }
    var head = [UInt8](repeating: 0, count: LayerContent.headLength)
    let count = pread(file.descriptor, &head, head.count, 0)
    return LayerContent(head: Array(head.prefix(max(0, count))))
  }

  /// Puts a small blob in place.
  ///
  /// - Parameters:
  ///   - data: its content, which must match.
  ///   - digest: its digest.
  /// - Throws: `StoreError`.
  package func put(_ data: Data, as digest: Digest) throws(StoreError) {
    let found = try FileHash.digest(data, digest.algorithm)
    guard found == digest else { throw .wrongContent(expected: digest, found: "it is \(found)") }
    // What stands there may have been damaged since.
    guard document(digest) == nil else { return }
    let blobs = try blobs(digest.algorithm)
    // As a layer: nobody is to write to it by accident, and among blobs is nothing that is not whole.
    try disk(try blobs.writeAtomically(digest.hex, data, mode: 0o400, begunIn: ingest))
    noteMark(of: digest, in: blobs)
  }

  /// Notes what a blob is like that was just found to be right.
  func noteMark(of digest: Digest, in blobs: Folder) {
    guard let info = blobs.info(digest.hex) else { return }
    marks.note(digest, FileMark(info))
  }

  /// Makes the names of published blobs survive a power loss; before an index refers to them.
  ///
  /// - Throws: `StoreError`.
  package func syncNames() throws(StoreError) {
    for algorithm in Digest.Algorithm.allCases {
      let blobs = try blobs(algorithm)
      try disk(try blobs.sync())
    }
  }

  /// Fails when the file system has less room than blobs still need, or takes no file as large as
  /// one of them.
  ///
  /// - Parameter blobs: what is not in the store.
  /// - Throws: `StoreError`.
  package func requireSpace(for blobs: [Descriptor]) throws(StoreError) {
    let largest = blobs.map(\.size).max() ?? 0
    let file = try openLock("lock")
    guard file.takes(largest) else {
      throw .refused(
        "the file system of \(root) keeps no file of \(ByteCount.text(largest)), as a layer has")
    }
    let bytes = blobs.map { missingBytes($0) }.clampedSum
    guard let free = freeBytes, free < bytes else { return }
    throw .noSpace(path: root, needed: bytes, free: free)
  }

  /// Bytes that can still be written to the store's file system; nil when it does not say.
  package var freeBytes: Int64? { FreeSpace.bytes(at: root) }
}
