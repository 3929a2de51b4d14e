import Disk
import FoundationEssentials
import Glibc
package import OCI

/// Looking after a store: what is in it, whether it is whole, and removing what nobody needs.
package struct StoreMaintenance: Sendable {
  let store: ContentStore

  /// Makes a maintainer of a store.
  package init(store: ContentStore) { self.store = store }

  /// A blob that is not what its name says.
  package struct Damage: Sendable, Equatable {
    /// What it should be.
    package var digest: Digest
    /// What is wrong, in words.
    package var reason: String
    /// Names of the images that need it.
    package var images: [String]
  }

  // MARK: Verify

  /// Reads every blob and compares it with its name.
  ///
  /// - Parameters:
  ///   - removesDamage: takes wrong blobs away, so that the next pull fetches them again.
  ///   - progress: told the bytes read so far.
  /// - Returns: the number of blobs read, their bytes, and what is damaged or missing.
  /// - Throws: `StoreError`.
  package func verify(removesDamage: Bool, progress: (Int64) -> Void = { _ in })
    throws(StoreError) -> (blobs: Int, bytes: Int64, damage: [Damage])
  {
    let lock = removesDamage ? try store.lockForRemoval() : try store.lockForUse()
    var users: [Digest: [String]] = [:]
    var sizes: [Digest: Int64] = [:]
    for image in try images() {
      for (digest, size) in reachable(from: image.descriptor).sizes {
        users[digest, default: []].append(image.label)
        sizes[digest] = size
      }
    }
    var damage: [Damage] = []
    var seen: Set<Digest> = []
    var bytes: Int64 = 0
    for algorithm in Digest.Algorithm.allCases {
      guard let folder = try store.existingBlobs(algorithm) else { continue }
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
    let before = ContentStore.mark(of: file)
    let found = try FileHash.digest(of: file, digest.algorithm)
    guard found == digest else {
      before.map { store.marks.noteWrong(digest, $0) }
      return "its content is \(found)"
    }
    before.map { store.marks.note(digest, $0) }
    return nil
  }
}
