import Disk
import Glibc
package import OCI

/// Keeping a store small, for whoever has it to himself (`lockForRemoval`): single blobs come and
/// go there, and no image needs them.
extension ContentStore {
  /// What is there of a blob.
  package struct Stock: Sendable, Equatable {
    /// Whose content it is.
    package var digest: Digest
    /// False where it is on its way.
    package var isWhole: Bool
    /// What it takes on the disk, in bytes; of one that is whole, its size.
    package var bytes: Int64
    /// When its file was changed last, in seconds since 1970.
    package var changed: Double
  }

  /// Every blob that is here, or on its way.
  ///
  /// - Throws: `StoreError`.
  package func stock() throws(StoreError) -> [Stock] {
    var found: [Stock] = []
    for algorithm in Digest.Algorithm.allCases {
      guard let folder = try existingBlobs(algorithm) else { continue }
      for name in folder.list() {
        guard let digest = try? Digest("\(algorithm.rawValue):\(name)"),
          let info = folder.info(name), let size = folder.size(name)
        else { continue }
        found.append(
          Stock(
            digest: digest, isWhole: true, bytes: size, changed: Double(info.st_mtim.tv_sec)))
      }
    }
    for name in ingest?.list() ?? [] {
      guard let digest = PartialName.digest(ofData: name), let info = ingest?.info(name) else {
        continue
      }
      found.append(
        Stock(
          digest: digest, isWhole: false, bytes: info.allocatedBytes,
          changed: Double(info.st_mtim.tv_sec)))
    }
    return found
  }

  /// What is on its way takes so much on the disk, in bytes.
  ///
  /// - Parameter counts: whether files of a blob do that outlive a download; those of one alone always do.
  package func bytesOnTheWay(_ counts: (Digest) -> Bool) -> Int64 {
    guard let ingest else { return 0 }
    return ingest.list().map { name in
      guard PartialName.isData(name), PartialName.digest(ofData: name).map(counts) ?? true else {
        return 0
      }
      return ingest.info(name)?.allocatedBytes ?? 0
    }.clampedSum
  }

  /// What a blob that is on its way takes on the disk, in bytes.
  ///
  /// - Returns: nil where somebody is at it.
  /// - Throws: `StoreError`.
  package func idlePartialBytes(_ digest: Digest) throws(StoreError) -> Int64? {
    let name = PartialName(digest).data
    guard let info = ingest?.info(name), let ingest else { return 0 }
    let file = try disk(try OpenFile(name, in: ingest, O_RDWR))
    return try disk(try file.lock(exclusive: true)) ? info.allocatedBytes : nil
  }

  /// Removes a blob, whole or on its way.
  ///
  /// Whoever has it open reads on.
  ///
  /// - Returns: false where somebody is fetching it: then it stays.
  /// - Throws: `StoreError`.
  package func discard(_ digest: Digest) throws(StoreError) -> Bool {
    guard try discardPartial(digest) else { return false }
    if let folder = try existingBlobs(digest.algorithm) {
      try disk(try folder.remove(digest.hex))
      marks.forget(digest)
    }
    return true
  }

  /// Removes what is on its way of a blob that is whole.
  ///
  /// - Returns: false where somebody is fetching it.
  /// - Throws: `StoreError`.
  package func discardRest(of digest: Digest) throws(StoreError) -> Bool {
    try discardPartial(digest)
  }

  /// Reads what whoever has the store to himself wrote down under a name; nil: nothing.
  ///
  /// - Parameter limit: the most bytes that it may have.
  package func note(_ name: String, limit: Int64) -> [UInt8]? {
    try? state().read(name, limit: limit)
  }

  /// Writes something down under a name, as far as that can be done.
  package func setNote(_ name: String, _ bytes: [UInt8]) {
    try? state().writeAtomically(name, bytes, mode: 0o600)
  }

  private func discardPartial(_ digest: Digest) throws(StoreError) -> Bool {
    let name = PartialName(digest).data
    guard let ingest else { throw .refused("the store \(root) is only read") }
    guard ingest.info(name) != nil else { return true }
    let file = try disk(try OpenFile(name, in: ingest, O_RDWR))
    guard try disk(try file.lock(exclusive: true)) else { return false }
    // Whoever waits for the lock sees that the name is another file's, and begins anew.
    try disk(try ingest.remove(name))
    try disk(try ingest.remove(PartialName(digest).map))
    return true
  }

  /// Removes what nobody goes on with after a killed process: files without a name of their own yet, those of
  /// one download alone, and journals without their files.
  ///
  /// - Throws: `StoreError`.
  package func discardLeftovers() throws(StoreError) {
    var folders = [try state()]
    for algorithm in Digest.Algorithm.allCases {
      if let blobs = try existingBlobs(algorithm) { folders.append(blobs) }
    }
    for folder in folders {
      for name in folder.list() where Temporary.isOne(name) { try disk(try folder.remove(name)) }
    }
    guard let ingest else { return }
    let names = Set(ingest.list())
    for name in names where PartialName.digest(ofData: name) == nil {
      let whose = PartialName.digest(ofMap: name)
      let isJournal = whose.map { names.contains(PartialName($0).data) } ?? false
      if !isJournal { try disk(try ingest.remove(name)) }
    }
  }
}
