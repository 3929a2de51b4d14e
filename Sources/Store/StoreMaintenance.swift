import Disk
import FoundationEssentials
import Glibc
package import OCI

/// Looking after a store: what is in it, whether it is whole, and removing what nobody needs.
package struct StoreMaintenance: Sendable {
  let store: ContentStore
  /// What was read of it while it was looked after.
  let known: KnownDocuments

  /// Makes a maintainer of a store.
  package init(store: ContentStore) {
    self.store = store
    known = KnownDocuments(of: store)
  }

  /// A blob that is not what its name says.
  package struct Damage: Sendable, Equatable {
    /// What it should be.
    package var digest: Digest
    /// What is wrong, in words.
    package var reason: String
    /// Names of the images that need it.
    package var images: [String]
  }

  /// What a look at every blob brought.
  package struct Findings: Sendable {
    /// The number of blobs that were read, or are wrong without that.
    package var blobs = 0
    /// Bytes that were read.
    package var bytes: Int64 = 0
    /// What is damaged or missing.
    package var damage: [Damage] = []
    /// What is mostly holes, and no image says how large it is: it was not read.
    package var unread: [Digest] = []
  }

  // MARK: Verify

  /// Reads every blob and compares it with its name.
  ///
  /// What that costs is bounded by what is on the disk, and by what images say that they have, whatever a
  /// file claims to be.
  ///
  /// - Parameters:
  ///   - removesDamage: takes wrong blobs away, so that the next pull fetches them again.
  ///   - progress: told the bytes read so far.
  /// - Throws: `StoreError`.
  package func verify(removesDamage: Bool, progress: (Int64) -> Void = { _ in })
    throws(StoreError) -> Findings
  {
    let lock = removesDamage ? try store.lockForRemoval() : try store.lockForUse()
    known.forget()
    let kin = try kinships()
    // By the places of those that need it, of whom many may need the same.
    var users: [Digest: [Int]] = [:]
    var said: [Digest: Set<Int64>] = [:]
    var documents: Set<Digest> = []
    for (place, one) in kin.enumerated() {
      let reach = reachable(from: one.entry)
      documents.formUnion(reach.documents)
      for digest in reach.sizes.keys {
        users[digest, default: []].append(place)
        said[digest, default: []].formUnion(reach.said[digest] ?? [])
      }
    }
    func labels(_ digest: Digest) -> [String] {
      let places = users[digest] ?? []
      if let only = places.first, places.count == 1 { return kin[only].labels }
      return places.flatMap { kin[$0].labels }.sorted()
    }
    var found = Findings()
    var seen: Set<Digest> = []
    for algorithm in Digest.Algorithm.allCases {
      guard let folder = try store.existingBlobs(algorithm) else { continue }
      for name in folder.list() {
        guard let digest = try? Digest("\(algorithm.rawValue):\(name)") else { continue }
        seen.insert(digest)
        let look = try look(
          at: digest, in: folder, said: said[digest] ?? [],
          isDocument: documents.contains(digest))
        if look == .unread {
          found.unread.append(digest)
          continue
        }
        found.blobs += 1
        if case .read(let bytes, _) = look { found.bytes = found.bytes.addingClamped(bytes) }
        progress(found.bytes)
        guard let reason = look.reason else { continue }
        found.damage.append(Damage(digest: digest, reason: reason, images: labels(digest)))
        if removesDamage { try disk(try folder.removeTree(name)) }
      }
    }
    for digest in users.keys.filter({ !seen.contains($0) }).sorted(by: { $0.hex < $1.hex }) {
      found.damage.append(
        Damage(digest: digest, reason: "it is missing", images: labels(digest)))
    }
    withExtendedLifetime(lock) {}
    return found
  }

  /// Images that need the same, which are gone through once.
  private struct Kinship {
    let entry: Descriptor
    var labels: [String]
  }

  private func kinships() throws(StoreError) -> [Kinship] {
    var found: [Kinship] = []
    var places: [Descriptor: Int] = [:]
    for image in try listed() {
      // But for what it is called, and when it was pulled.
      var entry = image.descriptor
      let kept = [LayoutIndex.indexKey, LayoutIndex.sourceKey]
      entry.annotations = entry.ownNotes?.filter { kept.contains($0.key) }
      if let place = places[entry] {
        found[place].labels.append(image.label)
      } else {
        places[entry] = found.count
        found.append(Kinship(entry: entry, labels: [image.label]))
      }
    }
    return found
  }

  /// What a look at a blob's file brought.
  private enum Look: Equatable {
    /// So many bytes of it were read; what is wrong with them.
    case read(Int64, wrong: String?)
    /// It cannot be right, without a look into it.
    case wrong(String)
    /// Nothing says how large it is, and it is mostly holes.
    case unread

    var reason: String? {
      switch self {
      case .read(_, let reason): reason
      case .wrong(let reason): reason
      case .unread: nil
      }
    }
  }

  /// Looks at a blob's file, and reads it unless that could take for ever: a file of some bytes on the disk
  /// may claim to have any number.
  ///
  /// - Parameters:
  ///   - digest: its name.
  ///   - folder: where it is.
  ///   - said: its sizes by all that names it.
  ///   - isDocument: whether an image has it for a document.
  private func look(
    at digest: Digest, in folder: Folder, said: Set<Int64>, isDocument: Bool
  ) throws(StoreError) -> Look {
    // A directory, a pipe or a link in its place is not read.
    guard let info = folder.info(digest.hex), info.kind == .regular else {
      return .wrong(folder.info(digest.hex)?.kind.words ?? "it is missing")
    }
    let file = try disk(try OpenFile(digest.hex, in: folder, O_RDONLY))
    let size = Int64(info.st_size)
    if size > ContentStore.documentLimit {
      // Of two that contradict each other one may be right, and the digest decides.
      if said.isEmpty {
        // What is said of a document that long is not believed, and the image cannot do without it.
        if file.isMostlyHoles {
          let words =
            "it has \(ByteCount.text(size)), most of them holes, and no document is as long"
          return isDocument ? .wrong(words) : .unread
        }
      } else if !said.contains(size) {
        let words = said.sorted().prefix(3).map { ByteCount.text($0) }.joined(separator: " or ")
        return .wrong("it has \(ByteCount.text(size)), what names it says \(words)")
      }
    }
    let before = ContentStore.mark(of: file)
    let found = try FileHash.digest(of: file, digest.algorithm)
    guard found == digest else {
      before.map { store.marks.noteWrong(digest, $0) }
      return .read(size, wrong: "its content is \(found)")
    }
    before.map { store.marks.note(digest, $0) }
    return .read(size, wrong: nil)
  }
}
