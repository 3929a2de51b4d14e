package import Glibc
import Synchronization

/// A name for something that is not whole yet; what still has it at the end is removed.
///
/// It is short, so that every name that a file may have can be written, and is known to the process, so that a signal which
/// ends it at once leaves nothing behind.
package final class Temporary: Sendable {
  /// What the names begin and end with.
  private static let marks = (".cairn-", ".new")

  /// A file in a directory that is not whole, or no longer; locked for as long as somebody is at it.
  package static let mark = ".cairn-writing"

  /// Where it is.
  package let folder: Folder
  /// The name.
  package let name: String
  /// Of a directory.
  private let marked = Mutex<OpenFile?>(nil)

  /// Thinks of a name that nobody can have made before.
  package init(in folder: Folder) {
    self.folder = folder
    let random = String(UInt64.random(in: 0 ... .max), radix: 36)
    name = Self.marks.0 + random + Self.marks.1
    Self.all.withLock { $0[name] = folder }
  }

  deinit { remove() }

  /// Whether a name is one that a process was about to replace.
  package static func isOne(_ name: String) -> Bool {
    name.hasPrefix(marks.0) && name.hasSuffix(marks.1)
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
    try setMark(in: made)
    return made
  }

  /// Says that a directory which has the name by now is about to be removed.
  package func doom() { if let made = try? folder.folder(name) { try? setMark(in: made) } }

  private func setMark(in made: Folder) throws(DiskError) {
    let file = try OpenFile(Self.mark, in: made, O_RDWR | O_CREAT, 0o600)
    _ = file.isLockedQuietly()
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

  /// Gives it the name that it was made for, in the same directory, whatever had that before.
  package func take(_ target: String) throws(DiskError) {
    try takeMark()
    try folder.replace(target, by: name)
    Self.all.withLock { $0[name] = nil }
  }

  private func remove() {
    guard Self.all.withLock({ $0.removeValue(forKey: name) }) != nil else { return }
    try? folder.removeTree(name)
  }

  private static let all = Mutex<[String: Folder]>([:])

  /// Removes all that this process has: it is about to end.
  package static func removeAll() {
    let left = all.withLock { all in
      defer { all = [:] }
      return all
    }
    for (name, folder) in left { try? folder.removeTree(name) }
  }
}
