import Disk
import Glibc
package import OCI
import Synchronization

/// A blob on its way into the store: the data file, its resume map, and the lock that says who fetches it.
///
/// The lock is `flock` on the data file, so it dies with its process whatever way that ends.
package final class PartialBlob: Sendable {
  /// What the blob must turn out to be.
  package let descriptor: Descriptor

  /// What its files are called.
  package let name: PartialName
  let file: OpenFile
  private var ingest: Folder { file.folder }
  private let journal: Mutex<Journal>
  /// What the file was like after our last write, and whether anybody else wrote to it in between.
  private let writing: Mutex<(last: FileMark?, isShared: Bool)>
  /// Whether its file system gives a file the same number each time.
  let isNumbered: Bool

  private struct Journal {
    var map: ResumeMap
    var file: OpenFile?
    var appendedBytes = 0
  }

  /// A journal longer than this is written anew.
  private static let journalLimit = 64 << 10

  /// Takes over a locked data file.
  init(
    descriptor: Descriptor, file: OpenFile, name: PartialName, bootID: String
  ) throws(StoreError) {
    self.descriptor = descriptor
    self.file = file
    self.name = name
    writing = Mutex((file.mark, false))
    isNumbered = file.isStillNamed
    let map = ResumeMap(
      of: descriptor, as: name, in: file.folder, length: Int64(file.info?.st_size ?? 0),
      bootID: bootID)
    journal = Mutex(Journal(map: map))
    // The journal has a block of its own from now on: when others fill the disk later, what is here
    // can still be noted. If there is no room even now, the first record tries again.
    try? withJournal { (journal: inout Journal) throws(StoreError) in try rewrite(&journal) }
  }

  deinit {
    // Nobody else goes on with it.
    guard name.isApart else { return }
    try? ingest.remove(name.data)
    try? ingest.remove(name.map)
  }

  /// Whether another process has taken it over: what is written here counts for nothing any more.
  package var isLost: Bool { isNumbered && !file.isStillNamed }

  /// The bytes on disk.
  package var have: RangeSet<Int64> { journal.withLock { $0.map.written } }

  /// How many bytes are on disk.
  package var byteCount: Int64 {
    journal.withLock { $0.map.written.byteCount }
  }

  /// End of the stretch of bytes on disk that begins at 0.
  var prefixEnd: Int64 {
    journal.withLock { journal in
      guard let first = journal.map.written.ranges.first, first.lowerBound == 0 else { return 0 }
      return first.upperBound
    }
  }

  /// End of the stretch of bytes on disk that has a byte in it; the offset itself where that byte
  /// is not there.
  ///
  /// - Parameter offset: the byte's.
  package func end(ofStretchWith offset: Int64) -> Int64 {
    journal.withLock { journal in
      journal.map.written.ranges.first { $0.contains(offset) }?.upperBound ?? offset
    }
  }

  /// Writes bytes at an offset; from any thread, one at a time.
  ///
  /// - Returns: 0 or an `errno`.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
    change { file.write(bytes, at: offset) }
  }

  /// Makes the data file that long.
  func cut(to size: Int64) throws(StoreError) {
    try change { () throws(StoreError) in try disk(try file.cut(to: size)) }
  }

  /// Changes the data file, and notices who did before.
  private func change<Value, Failure: Error>(_ step: () throws(Failure) -> Value) throws(Failure)
    -> Value
  {
    try writing.withLock { (writing) throws(Failure) in
      if !writing.last.isLike(file.mark) { writing.isShared = true }
      defer { writing.last = file.mark }
      return try step()
    }
  }

  /// The digest of what is on the disk, where somebody else wrote there, too; nil: nobody did.
  ///
  /// What was hashed as it came may be something else by now.
  ///
  /// - Throws: `StoreError`.
  func digestIfShared() throws(StoreError) -> Digest? {
    let isShared = writing.withLock { writing in
      let now = file.mark
      defer { writing.last = now }
      return writing.isShared || !writing.last.isLike(now)
    }
    return isShared ? try FileHash.digest(of: file, descriptor.digest.algorithm) : nil
  }

  /// Whether a file has the content that was written here.
  func isWritten(_ info: stat) -> Bool {
    writing.withLock { $0.last.map { FileMark(info).hasSameContent(as: $0) } ?? false }
  }

  /// Notes in the resume map that bytes were written.
  ///
  /// - Parameter range: bytes for which `write` has returned.
  /// - Throws: `StoreError` when the map cannot be written.
  package func record(_ range: Range<Int64>) throws(StoreError) {
    guard !range.isEmpty else { return }
    try withJournal { (journal: inout Journal) throws(StoreError) in
      journal.map.written.insert(contentsOf: range)
      try self.append(ResumeMap.line("+", range), to: &journal)
    }
  }

  /// Syncs the data written so far to the disk and notes it, so that it survives a power loss.
  ///
  /// - Throws: `StoreError`.
  func checkpoint() throws(StoreError) {
    let before = have
    try disk(try file.sync())
    try withJournal { (journal: inout Journal) throws(StoreError) in
      // What was forgotten while the disk was at work is not here any more.
      let kept = before.intersection(journal.map.written)
      let added = kept.subtracting(journal.map.synced)
      journal.map.synced.formUnion(kept)
      for range in added.ranges { try self.append(ResumeMap.line("=", range), to: &journal) }
    }
  }

  /// Forgets bytes that begin to come again: nobody relies on them any more while they do.
  ///
  /// - Parameter range: some of them may be missing.
  /// - Returns: how many were here.
  /// - Throws: `StoreError` when the map cannot be written.
  package func forget(_ range: Range<Int64>) throws(StoreError) -> Int64 {
    let here = have.intersection(RangeSet(range)).byteCount
    guard here > 0 else { return 0 }
    try withJournal { (journal: inout Journal) throws(StoreError) in
      journal.map.written.remove(contentsOf: range)
      journal.map.synced.remove(contentsOf: range)
      try self.rewrite(&journal)
    }
    return here
  }

  /// Forgets everything that was fetched: it turned out to be wrong.
  ///
  /// - Throws: `StoreError`.
  package func startOver() throws(StoreError) {
    try withJournal { (journal: inout Journal) throws(StoreError) in
      journal.map.written = RangeSet()
      journal.map.synced = RangeSet()
      try self.rewrite(&journal)
    }
    try cut(to: 0)
    // What others wrote before is gone with it.
    writing.withLock { $0.isShared = false }
  }

  /// Removes the map; the data file has its final name by now.
  func removeMap() { try? ingest.remove(name.map) }

  private func withJournal(_ body: (inout Journal) throws(StoreError) -> Void) throws(StoreError) {
    try journal.withLock { (journal: inout Journal) throws(StoreError) in try body(&journal) }
  }

  private func append(_ line: String, to journal: inout Journal) throws(StoreError) {
    guard let file = journal.file, journal.appendedBytes < Self.journalLimit else {
      try rewrite(&journal)
      return
    }
    try disk(try file.writeAll(line.utf8))
    journal.appendedBytes += line.utf8.count
  }

  /// Replaces the journal by the shortest one that says the same.
  private func rewrite(_ journal: inout Journal) throws(StoreError) {
    // The journal by that name is another's then.
    guard !isLost else { return }
    let temporary = name.map + ".new"
    try? ingest.remove(temporary)
    let file = try disk(try OpenFile(temporary, in: ingest, O_WRONLY | O_CREAT | O_EXCL))
    try disk(try file.writeAll(journal.map.text.utf8))
    try disk(try ingest.replace(name.map, by: temporary))
    journal.file = file
    journal.appendedBytes = 0
  }
}

extension FileMark? {
  /// Whether nothing was written in between; where it cannot be told, it is not so.
  fileprivate func isLike(_ other: FileMark?) -> Bool {
    guard let self, let other else { return false }
    return self.isUnchanged(since: other)
  }
}

extension RangeSet<Int64> {
  /// Bytes in all of its ranges.
  var byteCount: Int64 { ranges.reduce(0) { $0 + Int64($1.count) } }
}
