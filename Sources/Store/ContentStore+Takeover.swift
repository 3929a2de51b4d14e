import Disk
import Glibc
package import OCI

/// Blobs that another process fetches: how far it is, and going on in its place where it does not.
extension ContentStore {
  /// How far another process is with a blob.
  package struct Holding: Sendable, Equatable {
    /// Bytes that it has noted.
    package var bytes: Int64
    /// Its number, where that can be told.
    package var process: Int32?
    /// Whether somebody has stopped it.
    package var isStopped = false
  }

  /// How far another process is with a blob; nil where none is at it.
  ///
  /// - Parameter descriptor: the blob.
  package func holding(of descriptor: Descriptor) -> Holding? {
    guard let ingest,
      let file = try? OpenFile(PartialName(descriptor.digest).data, in: ingest, O_RDONLY)
    else { return nil }
    let holder = file.lockHolder
    return Holding(
      bytes: map(of: descriptor, file).written.byteCount, process: holder,
      isStopped: holder.map(ProcessState.isStopped) ?? false)
  }

  /// Goes on with a blob in the place of a process that brings nothing any more.
  ///
  /// What it has is shared or copied into a file of our own, which takes the name. Whatever it
  /// writes from then on is in a file without a name, and so is its journal: it notices before it
  /// publishes.
  ///
  /// - Parameter descriptor: the blob.
  /// - Throws: `StoreError`.
  package func takeOver(_ descriptor: Descriptor) throws(StoreError) -> Ingest {
    let name = PartialName(descriptor.digest).data
    guard let ingest else { throw .refused("the store \(root) is only read") }
    let old = try disk(try OpenFile(name, in: ingest, O_RDWR))
    // It has ended meanwhile: the next look gets it.
    guard try disk(try !old.lock(exclusive: true)) else { return .busy }
    try copy(old, to: name, descriptor)
    return try beginIngest(descriptor)
  }

  private func copy(_ old: OpenFile, to name: String, _ descriptor: Descriptor) throws(StoreError) {
    var map = map(of: descriptor, old)
    let ingest = old.folder
    let temporary = Temporary(in: ingest)
    let file = try disk(try temporary.open(0o600))
    // Nobody else is to begin with it before it is whole.
    guard try disk(try file.lock(exclusive: true)) else { return }
    if !file.shareBlocks(of: old) {
      for range in map.written.ranges { try disk(try file.copy(range, from: old)) }
    }
    // Nothing of the new file is synced yet.
    map.synced = RangeSet()
    // The journal first: what it says is so of both files.
    try disk(
      try ingest.writeAtomically(
        PartialName(descriptor.digest).map, map.text.utf8, mode: 0o600))
    guard old.isStillNamed else { return }
    try disk(try temporary.take(name))
  }

  /// What a journal says of a file, as far as it can be relied on.
  private func map(of descriptor: Descriptor, _ file: OpenFile) -> ResumeMap {
    map(of: descriptor, in: file.folder, length: Int64(file.info?.st_size ?? 0))
  }

  /// Bytes of a blob that an earlier download left, as far as they can be relied on.
  ///
  /// - Parameter descriptor: a blob that is not in the store.
  package func keptBytes(of descriptor: Descriptor) -> Int64 {
    guard let ingest, let info = ingest.info(PartialName(descriptor.digest).data) else {
      return 0
    }
    return map(of: descriptor, in: ingest, length: Int64(info.st_size)).written.byteCount
  }

  private func map(of descriptor: Descriptor, in folder: Folder, length: Int64) -> ResumeMap {
    ResumeMap(
      of: descriptor, as: PartialName(descriptor.digest), in: folder, length: length,
      bootID: bootID)
  }
}
