import FoundationEssentials
import Glibc
public import OCI

/// Looking after a store: what is in it, whether it is whole, and removing what nobody needs.
public struct StoreMaintenance: Sendable {
  private let store: ContentStore

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
        descriptor: entry, size: reach.sizes.values.reduce(0, +),
        pulled: entry.annotations?[LayoutIndex.pulledKey].flatMap { Double($0) } ?? 0,
        isComplete: reach.isComplete)
    }.sorted { $0.name < $1.name }
  }

  /// An entry's name; its digest where it has none.
  private static func name(of entry: Descriptor) -> String {
    entry.annotations?[LayoutIndex.nameKey] ?? entry.digest.description
  }

  private struct Reach {
    var sizes: [Digest: Int64] = [:]
    var isComplete = true
    /// False where a document cannot be read, so that what it needs is not known.
    var isKnown = true
  }

  /// Every digest that an entry needs, with its size.
  private func reachable(from entry: Descriptor) -> Reach {
    var reach = Reach()
    var waiting = [entry]
    while let next = waiting.popLast(), reach.sizes.count < 1_000_000 {
      guard reach.sizes.updateValue(next.size, forKey: next.digest) == nil else { continue }
      let isDocument = next.mediaType.isIndex || next.mediaType.isManifest
      // Other tools may name entries without a type.
      guard isDocument || next.digest == entry.digest else {
        if !store.contains(next) { reach.isComplete = false }
        continue
      }
      guard let data = store.document(next.digest),
        let document = try? ImageDocument.parse(
          data, contentType: isDocument ? next.mediaType : nil)
      else {
        reach.isComplete = false
        reach.isKnown = false
        continue
      }
      switch document {
      case .index(let index): waiting += index.manifests
      case .manifest(let manifest): waiting += manifest.blobs
      }
    }
    // Documents as they were served stay, so that an unchanged tag costs one request.
    for key in [LayoutIndex.indexKey, LayoutIndex.sourceKey] {
      guard let digest = entry.annotations?[key].flatMap({ try? Digest($0) }) else { continue }
      var served = [digest]
      if key == LayoutIndex.sourceKey, let data = store.document(digest),
        case .index(let index) = try? ImageDocument.parse(data, contentType: nil)
      {
        served += index.manifests.map(\.digest)
      }
      for digest in served {
        if let size = Files.size(store.path(of: digest)) { reach.sizes[digest] = size }
      }
    }
    return reach
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
    for entry in try store.index().manifests where !isDoomed(entry) {
      let reach = reachable(from: entry)
      guard reach.isKnown else { throw .unreadableImage(name: Self.name(of: entry)) }
      needed.formUnion(reach.sizes.keys)
    }
    report.images = doomed.sorted()
    try store.updateIndex { $0.manifests.removeAll(where: isDoomed) }
    for algorithm in Digest.Algorithm.allCases {
      let folder = "\(store.root)/blobs/\(algorithm.rawValue)"
      for name in Files.list(folder) {
        if let digest = try? Digest("\(algorithm.rawValue):\(name)"), needed.contains(digest) {
          continue
        }
        report.bytes += Files.size("\(folder)/\(name)") ?? 0
        report.blobs += 1
        try Files.removeTree("\(folder)/\(name)")
      }
    }
    let ingest = store.root + "/.cairn/ingest"
    for name in Files.list(ingest) {
      if name.hasSuffix(".partial"), let info = Files.info("\(ingest)/\(name)") {
        report.partials += 1
        report.bytes += Int64(info.st_blocks) * 512
      }
      try Files.remove("\(ingest)/\(name)")
    }
    // What a killed process was about to give a name.
    for folder in [store.root, store.root + "/.cairn"] {
      for name in Files.list(folder) where name.hasSuffix(".new") {
        guard ["index.json.", "oci-layout.", "version."].contains(where: name.hasPrefix),
          let size = Files.size("\(folder)/\(name)")
        else { continue }
        report.bytes += size
        try Files.remove("\(folder)/\(name)")
      }
    }
    withExtendedLifetime(lock) {}
    return report
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
      isFull = isFull || merged.values.reduce(0, +) > keepBytes
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
      let folder = "\(store.root)/blobs/\(algorithm.rawValue)"
      for name in Files.list(folder) {
        guard let digest = try? Digest("\(algorithm.rawValue):\(name)") else { continue }
        seen.insert(digest)
        let found = try FileHash.digest(ofFile: "\(folder)/\(name)", algorithm)
        bytes += Files.size("\(folder)/\(name)") ?? 0
        progress(bytes)
        if found != digest {
          let reason = "its content is \(found)"
          damage.append(Damage(digest: digest, reason: reason, images: users[digest] ?? []))
          if removesDamage { try Files.removeTree("\(folder)/\(name)") }
        }
      }
    }
    for digest in sizes.keys.filter({ !seen.contains($0) }).sorted(by: { $0.hex < $1.hex }) {
      damage.append(Damage(digest: digest, reason: "it is missing", images: users[digest] ?? []))
    }
    withExtendedLifetime(lock) {}
    return (seen.count, bytes, damage)
  }
}
