public import FoundationEssentials
import Glibc
public import OCI

/// The content store: an OCI image layout on disk that other tools read as it is.
///
/// ```
/// oci-layout, index.json, blobs/<algorithm>/<hex>      the OCI image layout
/// .cairn/version                                      format of what follows
/// .cairn/lock                                         shared by pulls, exclusive for prune
/// .cairn/index.lock                                   held while index.json is changed
/// .cairn/ingest/<algorithm>-<hex>.partial, .map       blobs on their way
/// ```
public struct ContentStore: Sendable {
  /// The format that this version reads and writes.
  public static let formatVersion = 1
  /// The most bytes a manifest, an index or a configuration may have to be read into memory.
  public static let documentLimit: Int64 = 4 << 20

  /// The store's directory.
  public let root: String
  private let bootID: String
  /// How often a partial file may be gone between opening and locking it.
  private static let namingAttempts = 50

  /// What there is to do to get a blob.
  public enum Ingest: Sendable {
    /// It is in the store.
    case present
    /// Another process is fetching it.
    case busy
    /// It is ours to fetch, perhaps with some bytes there already.
    case ours(PartialBlob)
  }

  /// Opens a store, or makes one.
  ///
  /// - Parameter root: its directory.
  /// - Throws: `StoreError`: not writable, another thing than a store, or of a later version.
  public init(root: String) throws(StoreError) {
    self.root = root
    bootID = Self.readBootID()
    // A limit on the size of files (ulimit -f) is to be an error that is told, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    try Files.makeDirectory(root)
    guard
      Files.info(root + "/.cairn") != nil || Files.info(root + "/oci-layout") != nil
        || Files.list(root).isEmpty
    else { throw .notALayout(path: root) }
    try Files.makeDirectory(".cairn/ingest", below: root)
    for algorithm in Digest.Algorithm.allCases {
      try Files.makeDirectory("blobs/" + algorithm.rawValue, below: root)
    }
    // Several processes may open a new store at the same time; one of them fills it.
    let lock = try lockIndex()
    try checkVersion()
    if Files.info(root + "/index.json") == nil { try LayoutIndex().write(to: root) }
    if Files.info(root + "/oci-layout") == nil {
      try Files.writeAtomically(root + "/oci-layout", Data(LayoutIndex.layoutFile.utf8))
    }
    withExtendedLifetime(lock) {}
  }

  private func checkVersion() throws(StoreError) {
    let path = root + "/.cairn/version"
    guard Files.info(path) != nil else {
      try Files.writeAtomically(path, Data("\(Self.formatVersion)\n".utf8))
      return
    }
    let text = String(decoding: try Files.read(path, limit: 64), as: UTF8.self).prefix {
      !$0.isNewline
    }
    guard text == "\(Self.formatVersion)" else {
      throw .newerVersion(path: root, found: String(text))
    }
  }

  private static func readBootID() -> String {
    let data = try? Files.read("/proc/sys/kernel/random/boot_id", limit: 64)
    return data.map { String(decoding: $0, as: UTF8.self).filter { $0.isHexDigit } } ?? ""
  }

  // MARK: Blobs

  /// Where a blob stands, or would stand.
  ///
  /// - Parameter digest: the blob's digest.
  public func path(of digest: Digest) -> String {
    "\(root)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)"
  }

  /// True when a blob of that digest and size is in the store.
  ///
  /// - Parameter descriptor: the blob.
  public func contains(_ descriptor: Descriptor) -> Bool {
    Files.size(path(of: descriptor.digest)) == descriptor.size
  }

  /// Reads a small blob (manifest, index, configuration) and checks it.
  ///
  /// - Parameter digest: its digest.
  /// - Returns: nil when it is not in the store or no longer what it was.
  public func document(_ digest: Digest) -> Data? {
    guard let data = try? Files.read(path(of: digest), limit: Self.documentLimit),
      (try? Digest.of(data, digest.algorithm)) == digest
    else { return nil }
    return data
  }

  /// How a layer's file is packed, by its first bytes.
  ///
  /// - Parameter digest: the layer's digest.
  /// - Returns: nil when it is not in the store or nothing that is known.
  public func content(ofLayer digest: Digest) -> LayerContent? {
    guard let file = try? OpenFile(path(of: digest), O_RDONLY | O_NOFOLLOW) else { return nil }
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
  public func put(_ data: Data, as digest: Digest) throws(StoreError) {
    let found = try FileHash.digest(data, digest.algorithm)
    guard found == digest else { throw .wrongContent(expected: digest, found: "it is \(found)") }
    // What stands there may have been damaged since.
    guard document(digest) == nil else { return }
    // As a layer: a hard link of an output must not be an open door to the store's content.
    try Files.writeAtomically(path(of: digest), data, mode: 0o400)
  }

  /// Begins to bring a blob into the store, where nobody else is at it.
  ///
  /// - Parameter descriptor: the blob.
  /// - Throws: `StoreError`.
  public func beginIngest(_ descriptor: Descriptor) throws(StoreError) -> Ingest {
    let digest = descriptor.digest
    let base = "\(root)/.cairn/ingest/\(digest.algorithm.rawValue)-\(digest.hex)"
    for _ in 0..<Self.namingAttempts {
      if contains(descriptor) { return .present }
      let file = try OpenFile(base + ".partial", O_RDWR | O_CREAT | O_NOFOLLOW)
      guard try file.lock(exclusive: true, wait: false) else { return .busy }
      // Between opening and locking the other process may have published the file or removed it.
      guard file.isStillNamed else { continue }
      if contains(descriptor) {
        try Files.remove(base + ".partial")
        return .present
      }
      return .ours(
        try PartialBlob(
          descriptor: descriptor, file: file, mapPath: base + ".map", bootID: bootID))
    }
    // Not even a crowd of others is this quick: the file system gives a file another number each time that it is asked.
    let file = try OpenFile(base + ".partial", O_RDWR | O_CREAT | O_NOFOLLOW)
    guard try file.lock(exclusive: true, wait: false) else { return .busy }
    return .ours(
      try PartialBlob(descriptor: descriptor, file: file, mapPath: base + ".map", bootID: bootID))
  }

  /// Bytes that a blob still needs on the disk; those of a partial download are there already.
  ///
  /// - Parameter descriptor: a blob that is not in the store.
  public func missingBytes(_ descriptor: Descriptor) -> Int64 {
    let digest = descriptor.digest
    let path = "\(root)/.cairn/ingest/\(digest.algorithm.rawValue)-\(digest.hex).partial"
    let allocated = Files.info(path)?.allocatedBytes ?? 0
    return max(0, descriptor.size.addingClamped(-allocated))
  }

  /// Gives a verified blob its name: data first, then the name, then away with the map.
  func publish(_ blob: PartialBlob) throws(StoreError) {
    let size = off_t(blob.descriptor.size)
    var info = stat()
    // Whoever cannot cut files is asked to only where one is too long.
    if fstat(blob.file.descriptor, &info) != 0 || info.st_size != size {
      guard ftruncate(blob.file.descriptor, size) == 0 else {
        throw Files.failed("write", blob.file.path)
      }
    }
    // A hard link of an output must not be an open door to the store's content.
    fchmod(blob.file.descriptor, 0o400)
    try blob.file.sync()
    // What was verified is the open file; where nobody can say that the name is still its own, the name's is read, too.
    if !blob.file.isStillNamed, Files.info(blob.file.path) != nil {
      try Self.check(blob.file.path, blob.descriptor.digest)
    }
    try name(blob, path(of: blob.descriptor.digest))
    blob.removeMap()
  }

  private func name(_ blob: PartialBlob, _ target: String) throws(StoreError) {
    if rename(blob.file.path, target) == 0 { return }
    switch errno {
    case EEXIST: try Files.replace(target, by: blob.file.path, action: "publish")
    case EXDEV:
      // Several disks under one name: what is copied is read once more before it has the blob's name.
      let copy = target + ".copy"
      try FileCopy.place(blob.file.path, at: copy, mode: 0o400)
      do throws(StoreError) {
        try Self.check(copy, blob.descriptor.digest)
        try Files.replace(target, by: copy, action: "publish")
      } catch {
        unlink(copy)
        throw error
      }
      try Files.remove(blob.file.path)
    // Without locks another process may have been quicker; it read what it published, as we did.
    case ENOENT where contains(blob.descriptor): return
    default: throw Files.failed("publish", target)
    }
  }

  private static func check(_ path: String, _ digest: Digest) throws(StoreError) {
    let found = try FileHash.digest(ofFile: path, digest.algorithm)
    guard found != digest else { return }
    throw .wrongContent(expected: digest, found: "it is \(found)")
  }

  /// Makes the names of published blobs survive a power loss; before an index refers to them.
  ///
  /// - Throws: `StoreError`.
  public func syncNames() throws(StoreError) {
    for algorithm in Digest.Algorithm.allCases {
      try Files.syncDirectory(root + "/blobs/" + algorithm.rawValue)
    }
  }

  /// Fails when the file system has less room than blobs still need, or takes no file as large as one of them.
  ///
  /// - Parameter blobs: what is not in the store.
  /// - Throws: `StoreError`.
  public func requireSpace(for blobs: [Descriptor]) throws(StoreError) {
    let largest = blobs.map(\.size).max() ?? 0
    let file = try OpenFile(root + "/.cairn/lock", O_RDWR | O_CREAT | O_NOFOLLOW)
    guard Files.takes(largest, file) else {
      throw .system(
        action: "keep a file of \(ByteCount.text(largest)) in", path: root, errno: EFBIG)
    }
    let bytes = blobs.map { missingBytes($0) }.clampedSum
    guard let free = freeBytes, free < bytes else { return }
    throw .noSpace(path: root, needed: bytes, free: free)
  }

  /// Bytes that can still be written to the store's file system; nil when it does not say.
  public var freeBytes: Int64? { FreeSpace.bytes(at: root) }

  // MARK: Locks

  /// Keeps prune away while a pull runs; released when the value goes, or the process.
  public struct UseLock: Sendable {
    let file: OpenFile
  }

  /// Takes the store for use by a pull, beside other pulls.
  ///
  /// - Throws: `StoreError.inUse` while a prune or repair runs.
  public func lockForUse() throws(StoreError) -> UseLock { try lock(exclusive: false) }

  /// Takes the store for removing things.
  ///
  /// - Throws: `StoreError.inUse` while a pull runs.
  public func lockForRemoval() throws(StoreError) -> UseLock { try lock(exclusive: true) }

  private func lock(exclusive: Bool) throws(StoreError) -> UseLock {
    let file = try OpenFile(root + "/.cairn/lock", O_RDWR | O_CREAT | O_NOFOLLOW)
    guard try file.lock(exclusive: exclusive, wait: false) else { throw .inUse(path: root) }
    return UseLock(file: file)
  }

  /// Waits until no other process changes `index.json`, and keeps them out while the file is open.
  private func lockIndex() throws(StoreError) -> OpenFile {
    let file = try OpenFile(root + "/.cairn/index.lock", O_RDWR | O_CREAT | O_NOFOLLOW)
    _ = try file.lock(exclusive: true, wait: true)
    return file
  }

  /// Changes `index.json`; one process at a time.
  ///
  /// - Parameter change: gets the present index and leaves the new one in its place.
  /// - Throws: `StoreError`.
  public func updateIndex(_ change: (inout LayoutIndex) throws(StoreError) -> Void)
    throws(StoreError)
  {
    let lock = try lockIndex()
    var index = try LayoutIndex(readingFrom: root)
    let before = index
    try change(&index)
    if index != before { try index.write(to: root) }
    withExtendedLifetime(lock) {}
  }

  /// The images that have a name here.
  ///
  /// - Throws: `StoreError.badIndex`.
  public func index() throws(StoreError) -> LayoutIndex { try LayoutIndex(readingFrom: root) }
}
