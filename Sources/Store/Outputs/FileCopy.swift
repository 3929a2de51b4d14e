import Disk
import Glibc
import OCI

/// Gives a blob of the store a second place, without copying bytes where the file system can.
struct FileCopy {
  /// Whether large files may be hard links, whose content is the store's.
  let links: Bool

  /// Smaller files are copied: a link would save nothing worth sharing the store's file for.
  private static let linkedBytes: Int64 = 1 << 20

  /// Puts a blob into a directory: a reflink, else a hard link where they are asked for, else a copy.
  ///
  /// - Parameters:
  ///   - descriptor: the blob, or a document.
  ///   - store: has it.
  ///   - name: what it is called there.
  ///   - folder: where.
  /// - Throws: `StoreError`; what stood there is still there then.
  func place(
    _ descriptor: Descriptor, of store: ContentStore, at name: String, in folder: Folder
  ) throws(StoreError) {
    try checkInterruption()
    let blob = try store.requireSound(descriptor)
    let temporary = Temporary(in: folder)
    if links, descriptor.size >= Self.linkedBytes {
      if try Self.reflink(blob, temporary) {
        try disk(try temporary.take(name))
        return
      }
      if try Self.isLinked(blob, of: store, temporary) {
        try disk(try temporary.take(name))
        // A name more is no change of what is in it.
        if let mine = blob.file.info, FileMark(mine).hasSameContent(as: blob.mark) {
          store.marks.note(descriptor.digest, FileMark(mine))
        }
        return
      }
    }
    try Self.fill(temporary, from: blob.file, mode: 0o644)
    try blob.recheck()
    try disk(try temporary.take(name))
  }

  private static func reflink(_ blob: SoundBlob, _ temporary: Temporary) throws(StoreError) -> Bool
  {
    let file = try disk(try temporary.open(0o644))
    if file.shareBlocks(of: blob.file) {
      try disk(try file.sync())
      try blob.recheck()
      return true
    }
    try disk(try temporary.folder.remove(temporary.name))
    return false
  }

  private static func isLinked(
    _ blob: SoundBlob, of store: ContentStore, _ temporary: Temporary
  ) throws(StoreError) -> Bool {
    let digest = blob.descriptor.digest
    let blobs = try store.blobs(digest.algorithm)
    try blob.recheck()
    guard temporary.folder.link(temporary.name, to: digest.hex, of: blobs) else { return false }
    let linked = try? OpenFile(temporary.name, in: temporary.folder, O_RDONLY)
    if let mine = blob.file.info, let theirs = linked?.info, mine.isSame(as: theirs) { return true }
    try disk(try temporary.folder.remove(temporary.name))
    return false
  }

  /// Makes a file with another's content.
  ///
  /// - Parameter mode: of the new one, less the process's mask.
  static func fill(_ temporary: Temporary, from source: OpenFile, mode: mode_t) throws(StoreError) {
    let file = try disk(try temporary.open(mode))
    if !file.shareBlocks(of: source) {
      var buffer = [UInt8](repeating: 0, count: 256 << 10)
      lseek(source.descriptor, 0, SEEK_SET)
      while true {
        try checkInterruption()
        let count = try disk(try source.read(into: &buffer))
        if count == 0 { break }
        try disk(try file.writeAll(buffer[..<count]))
      }
    }
    try disk(try file.sync())
  }
}
