import Disk
import FoundationEssentials
import Glibc
public import OCI

/// Looking after a store: what is in it, whether it is whole, and removing what nobody needs.
public struct StoreMaintenance: Sendable {
  let store: ContentStore

  /// Makes a maintainer of a store.
  public init(store: ContentStore) { self.store = store }

  /// A named image.
  public struct Image: Sendable, Equatable {
    /// The name, for example `docker.io/library/ubuntu:latest`.
    public var name: String
    /// The manifest or index.
    public var descriptor: Descriptor
    /// Sum of the sizes of its blobs and documents, in bytes.
    public var size: Int64
    /// Seconds since 1970 of the last pull; 0 when unknown.
    public var pulled: Double
    /// False where a document or blob is missing.
    public var isComplete: Bool

    /// What the registry serves it as.
    public var sourceDigest: Digest {
      let text = descriptor.annotations?[LayoutIndex.sourceKey]
      return text.flatMap { try? Digest($0) } ?? descriptor.digest
    }
  }

  /// What a prune removed.
  public struct PruneReport: Sendable, Equatable {
    /// Names of images.
    public var images: [String] = []
    /// Number of blobs.
    public var blobs = 0
    /// Number of partial downloads.
    public var partials = 0
    /// Bytes that became free.
    public var bytes: Int64 = 0
  }

  /// A blob that is not what its name says.
  public struct Damage: Sendable, Equatable {
    /// What it should be.
    public var digest: Digest
    /// What is wrong, in words.
    public var reason: String
    /// Names of the images that need it.
    public var images: [String]
  }

  /// The named images, by name.
  ///
  /// - Throws: `StoreError.badIndex`.
  public func images() throws(StoreError) -> [Image] {
    try store.index().manifests.map { entry in
      let reach = reachable(from: entry)
      return Image(
        name: Self.name(of: entry),
        descriptor: entry, size: reach.sizes.values.clampedSum,
        pulled: Self.seconds(entry.annotations?[LayoutIndex.pulledKey]),
        isComplete: reach.isComplete)
    }.sorted { $0.name < $1.name }
  }

  /// A time that somebody may have written by hand; 0 where it is none.
  private static func seconds(_ text: String?) -> Double {
    let seconds = text.flatMap { Double($0) } ?? 0
    return (0...latestTime).contains(seconds) ? seconds : 0
  }
  /// The end of the year 9999, in seconds since 1970.
  private static let latestTime = 253_402_300_799.0

  /// An entry's name; its digest where it has none.
  private static func name(of entry: Descriptor) -> String {
    entry.annotations?[LayoutIndex.nameKey] ?? entry.digest.description
  }

  // MARK: Prune

  /// Removes images by age or room, then every blob and partial download that nothing needs.
  ///
  /// - Parameters:
  ///   - olderThan: removes images last pulled longer ago than this, in seconds; nil: none by age.
  ///   - keepBytes: removes the images pulled longest ago until the rest is no larger; nil: none.
  ///   - now: seconds since 1970.
  /// - Throws: `StoreError`; `inUse` while a pull runs, `unreadableImage` when it cannot be told what
  ///   an image needs.
  public func prune(olderThan: Double?, keepBytes: Int64?, now: Double) throws(StoreError)
    -> PruneReport
  {
    let lock = try store.lockForRemoval()
    var report = PruneReport()
    let doomed = try doomedImages(olderThan: olderThan, keepBytes: keepBytes, now: now)
    func isDoomed(_ entry: Descriptor) -> Bool { doomed.contains(Self.name(of: entry)) }
    var needed: Set<Digest> = []
    for entry in try roots() where !isDoomed(entry) {
      let reach = reachable(from: entry)
      guard reach.isKnown else { throw .unreadableImage(name: Self.name(of: entry)) }
      needed.formUnion(reach.sizes.keys)
    }
    report.images = doomed.sorted()
    try store.updateIndex { $0.remove(where: isDoomed) }
    for algorithm in Digest.Algorithm.allCases {
      let folder = try store.blobs(algorithm)
      for name in folder.list() {
        try checkInterruption()
        if let digest = try? Digest("\(algorithm.rawValue):\(name)"), needed.contains(digest) {
          continue
        }
        report.bytes = report.bytes.addingClamped(folder.size(name) ?? 0)
        report.blobs += 1
        try disk(try folder.removeTree(name))
      }
    }
    store.marks.prune(keeping: needed)
    let ingest = store.ingest
    for name in ingest.list() {
      try checkInterruption()
      if name.hasSuffix(".partial"), let info = ingest.info(name) {
        report.partials += 1
        report.bytes = report.bytes.addingClamped(info.allocatedBytes)
      }
      try disk(try ingest.removeTree(name))
    }
    try removeLeftovers(in: store.folder, &report)
    try removeLeftovers(in: try store.state(), &report)
    withExtendedLifetime(lock) {}
    return report
  }

  /// Removes what a killed process was about to give a name.
  private func removeLeftovers(in folder: Folder, _ report: inout PruneReport) throws(StoreError) {
    // Those of earlier versions had the name that they were for before them.
    func isEarlier(_ name: String) -> Bool {
      name.hasSuffix(".new")
        && ["index.json.", "oci-layout.", "version."].contains(where: name.hasPrefix)
    }
    for name in folder.list() where Temporary.isOne(name) || isEarlier(name) {
      guard let size = folder.size(name) else { continue }
      report.bytes = report.bytes.addingClamped(size)
      try disk(try folder.remove(name))
    }
  }

  private func doomedImages(olderThan: Double?, keepBytes: Int64?, now: Double) throws(StoreError)
    -> Set<String>
  {
    var kept = try images().sorted { $0.pulled > $1.pulled }
    var doomed: Set<String> = []
    if let olderThan {
      doomed.formUnion(kept.filter { now - $0.pulled > olderThan }.map(\.name))
      kept.removeAll { doomed.contains($0.name) }
    }
    guard let keepBytes else { return doomed }
    // Newest first: an image stays while everything up to it fits, shared blobs counted once.
    var counted: [Digest: Int64] = [:]
    var isFull = false
    for image in kept {
      let sizes = reachable(from: image.descriptor).sizes
      let merged = counted.merging(sizes) { $1 }
      isFull = isFull || merged.values.clampedSum > keepBytes
      if isFull { doomed.insert(image.name) } else { counted = merged }
    }
    return doomed
  }

  // MARK: Verify

  /// Reads every blob and compares it with its name.
  ///
  /// - Parameters:
  ///   - removesDamage: takes wrong blobs away, so that the next pull fetches them again.
  ///   - progress: told the bytes read so far.
  /// - Returns: the number of blobs read, their bytes, and what is damaged or missing.
  /// - Throws: `StoreError`.
  public func verify(removesDamage: Bool, progress: (Int64) -> Void = { _ in })
    throws(StoreError) -> (blobs: Int, bytes: Int64, damage: [Damage])
  {
    let lock = removesDamage ? try store.lockForRemoval() : try store.lockForUse()
    var users: [Digest: [String]] = [:]
    var sizes: [Digest: Int64] = [:]
    for image in try images() {
      for (digest, size) in reachable(from: image.descriptor).sizes {
        users[digest, default: []].append(image.name)
        sizes[digest] = size
      }
    }
    var damage: [Damage] = []
    var seen: Set<Digest> = []
    var bytes: Int64 = 0
    for algorithm in Digest.Algorithm.allCases {
      let folder = try store.blobs(algorithm)
      for name in folder.list() {
        guard let digest = try? Digest("\(algorithm.rawValue):\(name)") else { continue }
        seen.insert(digest)
        bytes = bytes.addingClamped(folder.size(name) ?? 0)
        progress(bytes)
        if let reason = try wrong(digest, in: folder) {
          damage.append(Damage(digest: digest, reason: reason, images: users[digest] ?? []))
          if removesDamage { try disk(try folder.removeTree(name)) }
        }
      }
    }
    for digest in sizes.keys.filter({ !seen.contains($0) }).sorted(by: { $0.hex < $1.hex }) {
      damage.append(Damage(digest: digest, reason: "it is missing", images: users[digest] ?? []))
    }
    withExtendedLifetime(lock) {}
    return (seen.count, bytes, damage)
  }

  /// What is wrong with a blob's file, which is read; nil: nothing.
  private func wrong(_ digest: Digest, in folder: Folder) throws(StoreError) -> String? {
    // A directory, a pipe or a link in its place is not read.
    guard let kind = folder.info(digest.hex)?.kind, kind == .regular else {
      return folder.info(digest.hex)?.kind.words ?? "it is missing"
    }
    let file = try disk(try OpenFile(digest.hex, in: folder, O_RDONLY))
    let before = file.info
    let found = try FileHash.digest(of: file, digest.algorithm)
    guard found == digest else {
      before.map { store.marks.noteWrong(digest, FileMark($0)) }
      return "its content is \(found)"
    }
    before.map { store.marks.note(digest, FileMark($0)) }
    return nil
  }
}
