import Disk
import Glibc
package import OCI

/// Bringing blobs into the store.
extension ContentStore {
  /// How often a partial file may be gone between opening and locking it.
  private static let namingAttempts = 50

  /// What there is to do to get a blob.
  package enum Ingest: Sendable {
    /// It is in the store.
    case present
    /// Another process is fetching it.
    case busy
    /// It is ours to fetch, perhaps with some bytes there already.
    case ours(PartialBlob)
  }

  /// Begins to bring a blob into the store, where nobody else is at it.
  ///
  /// - Parameters:
  ///   - descriptor: the blob.
  ///   - given: its files' names; nil: the plain ones.
  ///   - takesHeld: for names of its own, whether what the store has will do: not for those who are not to
  ///     profit of others.
  /// - Throws: `StoreError`.
  package func beginIngest(
    _ descriptor: Descriptor, as given: PartialName? = nil, takesHeld: Bool = true
  ) throws(StoreError) -> Ingest {
    let names = given ?? PartialName(descriptor.digest)
    let name = names.data
    guard let ingest else { throw .refused("the store \(root) is only read") }
    if names.isApart {
      if takesHeld, try holds(descriptor) { return .present }
      let file = try disk(try OpenFile(name, in: ingest, O_RDWR | O_CREAT | O_EXCL))
      _ = try disk(try file.lock(exclusive: true))
      return .ours(try partial(descriptor, file, names))
    }
    for _ in 0..<Self.namingAttempts {
      if try holds(descriptor) { return .present }
      let file = try disk(try OpenFile(name, in: ingest, O_RDWR | O_CREAT))
      guard try disk(try file.lock(exclusive: true)) else { return .busy }
      // Between opening and locking the other process may have published the file or removed it.
      guard file.isStillNamed else { continue }
      guard file.isOnlyHere else {
        try disk(try ingest.remove(name))
        continue
      }
      if try holds(descriptor) {
        try disk(try ingest.remove(name))
        return .present
      }
      return .ours(try partial(descriptor, file, names))
    }
    // Not even a crowd of others is this quick: the file system gives a file another number each
    // time that it is asked.
    let file = try disk(try OpenFile(name, in: ingest, O_RDWR | O_CREAT))
    guard try disk(try file.lock(exclusive: true)) else { return .busy }
    guard file.isOnlyHere else { throw .refused("\(file.path) is a second name of another file") }
    return .ours(try partial(descriptor, file, names))
  }

  private func partial(
    _ descriptor: Descriptor, _ file: OpenFile, _ name: PartialName
  ) throws(StoreError) -> PartialBlob {
    try PartialBlob(descriptor: descriptor, file: file, name: name, bootID: bootID)
  }

  /// Bytes that a blob still needs on the disk; those of a partial download are there already.
  ///
  /// - Parameter descriptor: a blob that is not in the store.
  func missingBytes(_ descriptor: Descriptor) -> Int64 {
    let name = PartialName(descriptor.digest).data
    return max(0, descriptor.size.addingClamped(-(ingest?.info(name)?.allocatedBytes ?? 0)))
  }

  /// Gives a verified blob its name: data first, then the name, then away with the map.
  ///
  /// - Returns: what became of it: it has its name, or was changed since it was verified.
  @discardableResult
  func publish(_ blob: PartialBlob) throws(StoreError) -> Verifier.Outcome {
    let (file, digest) = (blob.file, blob.descriptor.digest)
    let ingest = file.folder
    // Whoever cannot cut files is asked to only where one is too long.
    if file.info.map({ Int64($0.st_size) }) != blob.descriptor.size {
      try blob.cut(to: blob.descriptor.size)
    }
    if blob.isLost {
      // Whoever took it over may be ready, too.
      guard contains(blob.descriptor) else { throw .takenOver }
      return .published
    }
    if let found = try blob.digestIfShared(), found != digest { return .wrongDigest(found: found) }
    // Nobody is to write to it by accident.
    file.setMode(0o400)
    try disk(try file.sync())
    // What was verified is the open file; where nobody can say that the name is still its own, the
    // name's is read, too.
    if !file.isStillNamed, ingest.info(file.name) != nil {
      try Self.check(file.name, in: ingest, digest)
    }
    let blobs = try blobs(digest.algorithm)
    try name(blob, digest.hex, in: blobs)
    if let info = blobs.info(digest.hex), blob.isWritten(info) {
      marks.note(digest, FileMark(info))
    }
    blob.removeMap()
    return .published
  }

  private func name(_ blob: PartialBlob, _ target: String, in blobs: Folder) throws(StoreError) {
    let ingest = blob.file.folder
    do throws(DiskError) {
      try ingest.replace(target, by: blob.file.name, in: blobs, action: "publish")
      try requireOwn(blob, target, in: blobs)
    } catch {
      switch error.code {
      case EXDEV:
        // Several disks under one name: what is copied is read once more before it has the blob's name.
        let copy = Temporary(in: blobs)
        try FileCopy.fill(copy, from: blob.file, mode: 0o400)
        try Self.check(copy.name, in: blobs, blob.descriptor.digest)
        try disk(try copy.take(target))
        try disk(try ingest.remove(blob.file.name))
      case ESTALE: throw .takenOver
      // Without locks another process may have been quicker; it read what it published, as we did.
      case ENOENT where contains(blob.descriptor): return
      default: throw StoreError(error)
      }
    }
  }

  /// Takes the name back from what is not ours: it was taken over in this very moment, and its new
  /// owner is not ready.
  private func requireOwn(_ blob: PartialBlob, _ target: String, in blobs: Folder)
    throws(DiskError)
  {
    guard blob.isNumbered, let named = blobs.info(target), let mine = blob.file.info,
      !mine.isSame(as: named)
    else { return }
    try blobs.replace(blob.file.name, by: target, in: ingest)
    throw DiskError("publish", blob.file.path, ESTALE)
  }

  private static func check(_ name: String, in folder: Folder, _ digest: Digest)
    throws(StoreError)
  {
    let file = try disk(try OpenFile(name, in: folder, O_RDONLY))
    let found = try FileHash.digest(of: file, digest.algorithm)
    guard found != digest else { return }
    throw .wrongContent(expected: digest, found: "it is \(found)")
  }
}
