package import Glibc
import Synchronization
import Text

/// A name for something that is not whole yet; what still has it at the end is removed.
///
/// It is short, so that every name that a file may have can be written, and is known to the
/// process, so that a signal which ends it at once leaves nothing behind.
package final class Temporary: Sendable {
  /// What the names begin and end with.
  private static let marks = (".cairn-", ".new")

  /// A file in a directory that is not whole, or no longer; locked for as long as somebody is at it.
  package static let mark = ".cairn-writing"

  /// Where it is.
  package let folder: Folder
  /// The name.
  package let name: String
  /// The mark of a directory.
  private let marked = Mutex<OpenFile?>(nil)

  /// Thinks of a name that nobody can have made before.
  package init(in folder: Folder) {
    self.folder = folder
    let random = String(UInt64.random(in: 0 ... .max), radix: 36)
    name = Self.marks.0 + random + Self.marks.1
    Self.all.withLock { $0[name] = Place(folder: folder) }
  }

  deinit { try? remove() }

  /// Whether a name is one that a process was about to replace.
  package static func isOne(_ name: String) -> Bool {
    name.begins(with: marks.0) && name.ends(with: marks.1)
  }

  /// Makes the file.
  ///
  /// - Parameter mode: less the process's mask.
  package func open(_ mode: mode_t) throws(DiskError) -> OpenFile {
    let file = try OpenFile(name, in: folder, O_RDWR | O_CREAT | O_EXCL, mode)
    _ = file.isLockedQuietly()
    return file
  }

  /// Makes a directory of it.
  package func makeFolder(_ mode: mode_t) throws(DiskError) -> Folder {
    guard mkdirat(folder.handle.number, name, mode) == 0 else {
      throw .last("make directory", folder.path)
    }
    let made = try folder.folder(name)
    // Another may have the name by now: what is ours is empty.
    guard made.isEmpty else { throw contended }
    try hold(made)
    return made
  }

  /// What the mark of a directory says: which it is of.
  ///
  /// Another file of ours in its place, or the mark of another directory, says something else. The
  /// disk is left out: it may have another number next time, and nothing gets from one to another.
  static func words(of directory: Folder) -> [UInt8]? {
    directory.info.map { Array("\($0.st_ino)\n".utf8) }
  }

  /// Says that a directory which has the name by now is about to be removed.
  package func doom(_ directory: Folder) {
    try? directory.remove(Self.mark)
    try? hold(directory)
  }

  private func hold(_ directory: Folder) throws(DiskError) {
    Self.all.withLock { $0[name]?.directory = directory }
    // Never a file that somebody else has put there.
    let file = try OpenFile(Self.mark, in: directory, O_RDWR | O_CREAT | O_EXCL, 0o600)
    _ = file.isLockedQuietly()
    // Without its words nobody removes the directory: it is not worth to wait for the disk.
    if let words = Self.words(of: directory) { try file.writeAll(words) }
    marked.withLock { $0 = file }
  }

  /// Says that a directory is whole.
  private func takeMark() throws(DiskError) {
    let taken = marked.withLock { mark in
      defer { mark = nil }
      return mark
    }
    guard let made = taken?.folder else { return }
    try made.remove(Self.mark)
    try made.sync()
  }

  /// Gives it the name that it was made for, whatever had that before.
  ///
  /// - Parameter other: where the name of a file is; nil: in the same directory.
  /// - Throws: `DiskError`; also where somebody else gave its name to another directory.
  package func take(_ target: String, in other: Folder? = nil) throws(DiskError) {
    let directory = Self.all.withLock { $0[name]?.directory }
    try takeMark()
    if let directory, !folder.has(name, directory) { throw contended }
    try folder.replace(target, by: name, in: other)
    Self.all.withLock { $0[name] = nil }
    if let directory, !folder.has(target, directory) { throw contended }
  }

  /// Gives a file the name that it was made for, where still nothing has that, or still a file.
  ///
  /// - Parameter replaces: whether a file may have it.
  /// - Throws: `DiskError`: something else has come to be there.
  package func take(_ target: String, replacing replaces: Bool) throws(DiskError) {
    guard replaces else {
      try folder.name(target, name)
      Self.all.withLock { $0[name] = nil }
      return
    }
    if let kind = folder.info(target)?.kind, kind != .regular {
      throw DiskError("write", folder.path(of: target), kind.code, reason: kind.words)
    }
    try take(target)
  }

  private var contended: DiskError {
    DiskError(
      "write", folder.path(of: name), ESTALE, reason: "somebody else changes it at the same time")
  }

  // MARK: Removing

  /// What there is to remove, and where.
  private struct Place {
    let folder: Folder
    /// What was made, or set aside: it is emptied itself, not what has its name by then, which the
    /// folder's owner can give to any directory, also to one that only we could empty.
    var directory: Folder?

    /// Looks after which a directory is left that somebody goes on filling.
    static let looks = 100

    func remove(_ name: String) throws(DiskError) {
      guard let directory else { return try folder.remove(name) }
      for look in 1...Self.looks {
        do throws(DiskError) {
          try directory.empty()
          return try folder.removeEmpty(name, directory)
        } catch {
          // Where the process ends at once, whoever fills it may not know yet.
          guard error.code == ENOTEMPTY, look < Self.looks else { throw error }
        }
      }
    }
  }

  /// Removes it now.
  ///
  /// It is known to the process until it is gone: what is large takes a while, and a signal may come.
  package func remove() throws(DiskError) {
    guard let place = Self.all.withLock({ $0[name] }) else { return }
    defer { Self.all.withLock { $0[name] = nil } }
    try place.remove(name)
  }

  private static let all = Mutex<[String: Place]>([:])

  /// Removes all that this process has: it is about to end.
  package static func removeAll() {
    let left = all.withLock { all in
      defer { all = [:] }
      return all
    }
    for (name, place) in left { try? place.remove(name) }
  }
}
