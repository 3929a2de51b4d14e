import Disk
import OCI
import Text

/// Taking out of the store what nobody wants any more.
extension StoreMaintenance {
  /// What was removed, or would be.
  package struct Removal: Sendable, Equatable {
    /// Names of images.
    package var images: [String] = []
    /// Number of blobs.
    package var blobs = 0
    /// Number of partial downloads.
    package var partials = 0
    /// Bytes that became free.
    package var bytes: Int64 = 0
  }

  /// Removes images by age or room, then every blob and partial download that nothing needs.
  ///
  /// - Parameters:
  ///   - olderThan: removes images last pulled longer ago than this, in seconds, and keeps parts
  ///     that are younger; nil: none by age, and every part.
  ///   - keepBytes: removes the images pulled longest ago until the rest is no larger; nil: none.
  ///   - now: seconds since 1970.
  ///   - isRehearsal: true where nothing is to be removed, and only said what would be.
  /// - Throws: `StoreError`; `inUse` while a pull runs, `unreadableImage` when it cannot be told what
  ///   an image needs.
  package func prune(
    olderThan: Double?, keepBytes: Int64?, now: Double, isRehearsal: Bool = false
  ) throws(StoreError) -> Removal {
    let lock = isRehearsal ? nil : try store.lockForRemoval()
    known.forget()
    var removal = Removal()
    let doomed = try doomedImages(olderThan: olderThan, keepBytes: keepBytes, now: now)
    let entries = Set(doomed.map(\.descriptor))
    let needed = try needed(without: entries)
    removal.images = doomed.map(\.label).sorted()
    let isForgotten = if isRehearsal { true } else { try forget(entries) }
    for algorithm in Digest.Algorithm.allCases {
      guard let folder = try store.existingBlobs(algorithm) else { continue }
      for name in folder.list() {
        try checkInterruption()
        if let digest = try? Digest("\(algorithm.rawValue):\(name)"), needed.contains(digest) {
          continue
        }
        // A name that is no UTF-8 is another one here, and nothing has that.
        guard folder.info(name) != nil else { continue }
        removal.bytes = removal.bytes.addingClamped(folder.size(name) ?? 0)
        removal.blobs += 1
        if !isRehearsal { try disk(try folder.removeTree(name)) }
      }
      for odd in folder.oddlyNamed() {
        let size = odd.info.kind == .regular ? Int64(odd.info.st_size) : 0
        removal.bytes = removal.bytes.addingClamped(size)
        removal.blobs += 1
        if !isRehearsal { try disk(try folder.removeTree(odd)) }
      }
    }
    if !isForgotten { try rewriteIndex(without: entries) }
    if !isRehearsal { store.marks.prune(keeping: needed) }
    try removePartials(isRehearsal, &removal, unlessSince: olderThan.map { now - $0 })
    for folder in [store.folder, try? store.state()].compactMap(\.self) {
      try removeLeftovers(in: folder, isRehearsal, &removal)
    }
    withExtendedLifetime(lock) {}
    return removal
  }

  /// Removes images, and the blobs that only they need.
  ///
  /// - Parameter isDoomed: which.
  /// - Returns: nil where there are none.
  /// - Throws: `StoreError`; `inUse` while a pull runs, `unreadableImage` when it cannot be told what
  ///   another image needs.
  package func remove(where isDoomed: (Image) -> Bool) throws(StoreError) -> Removal? {
    let lock = try store.lockForRemoval()
    known.forget()
    let doomed = try listed().filter(isDoomed)
    guard !doomed.isEmpty else { return nil }
    let entries = Set(doomed.map(\.descriptor))
    let needed = try needed(without: entries)
    var removal = Removal()
    removal.images = doomed.map(\.label)
    let theirs = Set(entries.flatMap { reachable(from: $0).sizes.keys }).subtracting(needed)
    let isForgotten = try forget(entries)
    for digest in theirs.sorted(by: { $0.description < $1.description }) {
      try checkInterruption()
      guard let folder = try store.existingBlobs(digest.algorithm),
        let size = folder.size(digest.hex)
      else { continue }
      try disk(try folder.remove(digest.hex))
      removal.bytes = removal.bytes.addingClamped(size)
      removal.blobs += 1
    }
    if !isForgotten { try rewriteIndex(without: entries) }
    withExtendedLifetime(lock) {}
    return removal
  }

  /// Takes entries out of the index before what they need goes.
  ///
  /// - Returns: false where the full disk has no room for an index without them: then that comes after,
  ///   and an interruption in between leaves names of what is not all there.
  private func forget(_ doomed: Set<Descriptor>) throws(StoreError) -> Bool {
    do throws(StoreError) {
      try rewriteIndex(without: doomed)
      return true
    } catch {
      guard [.space, .files, .quota].contains(error.lack) else { throw error }
      return false
    }
  }

  /// Takes entries out of the index; a name that nobody has then goes to an image of another platform.
  private func rewriteIndex(without doomed: Set<Descriptor>) throws(StoreError) {
    try store.updateIndex { index in
      index.remove(where: doomed.contains)
      index.restoreNames()
    }
  }

  /// What all images but some need.
  private func needed(without doomed: Set<Descriptor>) throws(StoreError) -> Set<Digest> {
    var needed: Set<Digest> = []
    for entry in try roots() where !doomed.contains(entry) {
      let reach = reachable(from: entry)
      guard reach.isKnown else {
        let name = entry.annotations?[LayoutIndex.nameKey] ?? entry.digest.description
        throw .unreadableImage(name: name)
      }
      needed.formUnion(reach.sizes.keys)
    }
    return needed
  }

  /// - Parameter earliest: seconds since 1970; what was written to since then stays; nil: nothing does.
  private func removePartials(
    _ isRehearsal: Bool, _ removal: inout Removal, unlessSince earliest: Double?
  ) throws(StoreError) {
    guard let ingest = store.ingest else { return }
    let names = ingest.list()
    let kept = Set(
      names.filter { name in
        guard let earliest, let written = ingest.info(name)?.st_mtim.tv_sec else { return false }
        return Double(written) >= earliest
      }.map(Self.stem))
    // A part is of no use without the map of what is in it.
    for name in names where !kept.contains(Self.stem(of: name)) {
      try checkInterruption()
      if name.ends(with: ".partial"), let info = ingest.info(name) {
        removal.partials += 1
        removal.bytes = removal.bytes.addingClamped(info.allocatedBytes)
      }
      if !isRehearsal { try disk(try ingest.removeTree(name)) }
    }
    for odd in ingest.oddlyNamed() where !isRehearsal {
      if let earliest, Double(odd.info.st_mtim.tv_sec) >= earliest { continue }
      try disk(try ingest.removeTree(odd))
    }
  }

  /// What a part and its map have in common.
  private static func stem(of name: String) -> Substring { name.prefix { $0 != "." } }

  /// Removes what a killed process was about to give a name.
  private func removeLeftovers(
    in folder: Folder, _ isRehearsal: Bool, _ removal: inout Removal
  ) throws(StoreError) {
    // Those of earlier versions had the name that they were for before them.
    func isEarlier(_ name: String) -> Bool {
      name.ends(with: ".new")
        && ["index.json.", "oci-layout.", "version."].contains { name.begins(with: $0) }
    }
    for name in folder.list() where Temporary.isOne(name) || isEarlier(name) {
      guard let size = folder.size(name) else { continue }
      removal.bytes = removal.bytes.addingClamped(size)
      if !isRehearsal { try disk(try folder.remove(name)) }
    }
  }

  /// When an image was last pulled, or came into the store by another tool, which notes that
  /// nowhere else; nil when unknown.
  ///
  /// The time of its document's last change of any kind: a copy that keeps times does not make it old.
  private func lastUse(of image: Image) -> Double? {
    guard image.pulled == 0 else { return image.pulled }
    let digest = image.descriptor.digest
    return (try? store.existingBlobs(digest.algorithm))??.info(digest.hex)
      .map { Double($0.st_ctim.tv_sec) }
  }

  private func doomedImages(olderThan: Double?, keepBytes: Int64?, now: Double) throws(StoreError)
    -> [Image]
  {
    // What is not known is not long ago.
    let used = try listed().map { (image: $0, time: lastUse(of: $0) ?? .infinity) }
    func isOld(_ time: Double) -> Bool { olderThan.map { now - time > $0 } ?? false }
    var doomed = used.filter { isOld($0.time) }.map(\.image)
    let kept = used.filter { !isOld($0.time) }.sorted { $0.time > $1.time }.map(\.image)
    guard let keepBytes else { return doomed }
    // Newest first: an image stays while everything up to it fits, shared blobs counted once.
    var counted: [Digest: Int64] = [:]
    var isFull = false
    for image in kept {
      // What is not there takes no room, whatever size it is said to have.
      let sizes = reachable(from: image.descriptor).sizes.filter { known.size(of: $0.key) != nil }
      let merged = counted.merging(sizes) { $1 }
      isFull = isFull || merged.values.clampedSum > keepBytes
      if isFull { doomed.append(image) } else { counted = merged }
    }
    return doomed
  }
}
