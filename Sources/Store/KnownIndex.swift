import Disk
import FoundationEssentials
import Synchronization

/// A store's `index.json` as this process saw it last.
///
/// Who pulls many images changes it many times: a file that has the same bytes is not taken apart again. The
/// tasks of a process take turns here, and wait by the file's lock for other processes alone.
final class KnownIndex: Sendable {
  private struct State {
    /// The file's bytes, and what they say.
    var known: (bytes: [UInt8], index: LayoutIndex)?
    var readings = 0
  }

  private let state = Mutex(State())

  private static let mostBytes = 4 << 20

  /// How often a file was taken apart.
  var readings: Int { state.withLock { $0.readings } }

  /// Changes the file; one at a time.
  ///
  /// - Parameters:
  ///   - folder: where it is.
  ///   - lock: waits until no other process changes it.
  ///   - change: gets the present index and leaves the new one in its place.
  /// - Throws: `StoreError`.
  func update(
    in folder: Folder, lock: () throws(StoreError) -> OpenFile,
    _ change: (inout LayoutIndex) throws(StoreError) -> Void
  ) throws(StoreError) {
    try state.withLock { (state) throws(StoreError) in
      let lock = try lock()
      defer { withExtendedLifetime(lock) {} }
      let bytes = try disk(try folder.read(LayoutIndex.fileName, limit: LayoutIndex.limit))
      let before: LayoutIndex
      if let known = state.known, known.bytes == bytes {
        before = known.index
      } else {
        state.readings += 1
        before = try LayoutIndex(bytes, in: folder)
      }
      var index = before
      try change(&index)
      // A long one is taken apart each time, instead of being in memory.
      let written = index == before ? bytes : Array(try index.write(to: folder))
      state.known = written.count <= Self.mostBytes ? (written, index) : nil
    }
  }
}
