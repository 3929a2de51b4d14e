import Disk
import FoundationEssentials
import Glibc

/// Who may do what at the same time.
extension ContentStore {
  /// How long another process's lock on an index is waited for, in seconds.
  ///
  /// Whoever changes an index has it for milliseconds.
  static let lockSeconds = 30.0

  /// Keeps prune away while a pull runs; released when the value goes, or the process.
  package struct UseLock: Sendable {
    /// Nil where a store that is only read has no lock that could be taken.
    let file: OpenFile?
  }

  /// Takes the store for use by a pull, beside other pulls.
  ///
  /// - Throws: `StoreError.inUse` while a prune or repair runs.
  package func lockForUse() throws(StoreError) -> UseLock { try lock(exclusive: false) }

  /// Takes the store for removing things.
  ///
  /// - Throws: `StoreError.inUse` while a pull runs.
  package func lockForRemoval() throws(StoreError) -> UseLock { try lock(exclusive: true) }

  private func lock(exclusive: Bool) throws(StoreError) -> UseLock {
    if isOnlyRead {
      guard let file = try? OpenFile("lock", in: state(), O_RDONLY) else {
        return UseLock(file: nil)
      }
      guard try disk(try file.lock(exclusive: false)) else { throw .inUse(path: root) }
      return UseLock(file: file)
    }
    let file = try openLock("lock")
    do throws(DiskError) {
      try file.waitForLock(exclusive: exclusive, seconds: Self.moment) { _ in }
    } catch {
      throw error.code == EWOULDBLOCK ? .inUse(path: root) : StoreError(error)
    }
    return UseLock(file: file)
  }

  /// Seconds for which a lock may be somebody's who does not know: whoever starts a program has a
  /// copy of all that is open, locks included, until that has begun.
  private static let moment = 0.5

  func openLock(_ name: String) throws(StoreError) -> OpenFile {
    let state = try state()
    return try disk(try OpenFile(name, in: state, O_RDWR | O_CREAT))
  }

  /// Waits until no other process changes `index.json`, and keeps them out while the file is open.
  func lockIndex() throws(StoreError) -> OpenFile {
    let file = try openLock("index.lock")
    try disk(try file.waitForLock(seconds: Self.lockSeconds, tell: tell))
    return file
  }

  /// Changes `index.json`; one task at a time, of all processes.
  ///
  /// - Parameter change: gets the present index and leaves the new one in its place.
  /// - Throws: `StoreError`.
  package func updateIndex(_ change: (inout LayoutIndex) throws(StoreError) -> Void)
    throws(StoreError)
  {
    try knownIndex.update(in: folder, lock: lockIndex, change)
  }

  /// The images that have a name here.
  ///
  /// - Throws: `StoreError`.
  package func index() throws(StoreError) -> LayoutIndex {
    // A layout of another tool, or one that is being made.
    if isOnlyRead, folder.info(LayoutIndex.fileName) == nil { return LayoutIndex() }
    return try LayoutIndex(readingFrom: folder)
  }

  /// What there are images of, each name once, sorted.
  ///
  /// The names alone are looked up, which takes a fraction of the time; what cannot be read names nothing.
  package func imageNames() -> [String] {
    let bytes = try? folder.read(LayoutIndex.fileName, limit: LayoutIndex.limit)
    return bytes.map { LayoutIndex.names(json: Data($0)) } ?? []
  }
}
