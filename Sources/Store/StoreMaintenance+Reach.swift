import FoundationEssentials
import OCI

/// What the entries of a store's index need.
extension StoreMaintenance {
  /// Every entry of the index, also those of which only the digest can be read: their content stays.
  func roots() throws(StoreError) -> [Descriptor] {
    try store.index().entries.compactMap { entry in
      if let descriptor = entry.descriptor { return descriptor }
      guard let digest = entry.digest, let size = store.size(of: digest) else {
        return nil
      }
      return Descriptor(mediaType: MediaType(rawValue: ""), digest: digest, size: size)
    }
  }

  /// What an entry of the index needs.
  struct Reach {
    /// Documents and blobs, with their sizes in bytes.
    var sizes: [Digest: Int64] = [:]
    /// Their sizes by what names them, which may contradict itself, and what is there.
    var said: [Digest: Set<Int64>] = [:]
    /// Those that are named as documents.
    var documents: Set<Digest> = []
    /// False where one of them is missing.
    var isComplete = true
    /// False where a document cannot be read, so that what it needs is not known.
    var isKnown = true

    /// - Parameter isDocument: whether it is named as one: those have an end, and what says that one goes
    ///   beyond it is not believed.
    fileprivate mutating func hear(_ descriptor: Descriptor, isDocument: Bool) {
      let (digest, size) = (descriptor.digest, descriptor.size)
      if isDocument { documents.insert(digest) }
      guard descriptor.hasSize, !isDocument || size <= ContentStore.documentLimit,
        !(said[digest]?.contains(size) ?? false)
      else { return }
      said[digest, default: []].insert(size)
    }

    fileprivate mutating func take(_ digest: Digest, _ size: Int64) {
      if sizes[digest] != size { sizes[digest] = size }
    }
  }

  /// The most documents of one entry that are looked at.
  private static let documentLimit = 1_000_000

  /// Every digest that an entry needs, with its size.
  ///
  /// As in a pull the content says what a document is, not what names it: an index names documents,
  /// whatever types it gives them, and a manifest names blobs.
  func reachable(from entry: Descriptor) -> Reach {
    // What many names lead to is gone through once.
    var reach = known.reach(of: entry.digest) { walk(from: entry) }
    reach.hear(entry, isDocument: true)
    reach.take(entry.digest, known.size(of: entry.digest) ?? entry.size)
    keepServed(of: entry, &reach)
    return reach
  }

  /// What is needed by whatever entry names a document.
  private func walk(from entry: Descriptor) -> Reach {
    var reach = Reach()
    var waiting = [entry]
    var documents: Set<Digest> = []
    while let next = waiting.popLast() {
      let isRoot = next.digest == entry.digest
      let found = document(next, isRoot: isRoot)
      let type = next.mediaType
      if !isRoot {
        let isFile = if case .file = found { !type.isIndex && !type.isManifest } else { false }
        reach.hear(next, isDocument: !isFile)
      }
      guard documents.insert(next.digest).inserted else { continue }
      guard documents.count < Self.documentLimit else {
        reach.isKnown = false
        break
      }
      switch found {
      case .index(let index): waiting += index.manifests
      case .manifest(let manifest):
        for blob in manifest.blobs {
          let size = known.size(of: blob.digest)
          reach.take(blob.digest, size ?? blob.size)
          reach.hear(blob, isDocument: blob.digest == manifest.config.digest)
          if size != blob.size { reach.isComplete = false }
        }
      case .file: break
      case .passedOver: continue
      case .lost:
        reach.isComplete = false
        reach.isKnown = false
      }
      // What is there has the size that it has, whatever is said of it.
      reach.take(next.digest, known.size(of: next.digest) ?? next.size)
    }
    return reach
  }

  /// What a descriptor of an index turns out to be.
  private enum Found {
    case index(Index)
    case manifest(Manifest)
    /// Something that is there, and is no document.
    case file
    /// Something that a pull left where it was.
    case passedOver
    /// A document that is not there, or that cannot be read any more.
    case lost
  }

  private func document(_ descriptor: Descriptor, isRoot: Bool) -> Found {
    let type = descriptor.mediaType
    switch known.content(of: descriptor.digest) {
    case .index(let index): return .index(index)
    case .manifest(let manifest): return .manifest(manifest)
    case .other: return isRoot || type.isIndex || type.isManifest ? .lost : .file
    case .unreadable: break
    }
    guard let size = known.size(of: descriptor.digest) else {
      let isWanted = (type.isIndex || type.isManifest) && !descriptor.mayBeAttestation
      return isRoot || isWanted ? .lost : .passedOver
    }
    // Damaged, it may have been a manifest; what is too large for one was none.
    return isRoot || size <= ContentStore.documentLimit ? .lost : .file
  }

  /// Documents as they were served stay, so that an unchanged tag costs one request.
  private func keepServed(of entry: Descriptor, _ reach: inout Reach) {
    for key in [LayoutIndex.indexKey, LayoutIndex.sourceKey] {
      guard let digest = entry.note(key).flatMap({ try? Digest($0) }) else { continue }
      var served = [digest]
      if key == LayoutIndex.sourceKey, case .index(let index) = known.content(of: digest) {
        served += index.manifests.map(\.digest)
      }
      for digest in served {
        if let size = known.size(of: digest) { reach.take(digest, size) }
      }
    }
  }
}
