import Glibc
import Text

/// Why something on the disk could not be done.
package struct DiskError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was to be done, as a verb: `open`, `write`.
  package let action: String
  /// With what, as its user knows it.
  package let path: String
  /// The system's number; `ECANCELED` where the task was cancelled while it waited.
  package let code: Int32
  /// What is wrong, where the system's words say too little.
  package let reason: String?

  /// Makes an error.
  ///
  /// Of a path the temporary names are left out: they are gone when anybody reads it, and what was to be
  /// written is in the directory before them.
  package init(_ action: String, _ path: String, _ code: Int32, reason: String? = nil) {
    self.action = action
    self.path = Self.withoutTemporaries(path)
    self.code = code
    self.reason = reason
  }

  private static func withoutTemporaries(_ path: String) -> String {
    let parts = path.parts(at: "/", keepingEmpty: true)
    guard let first = parts.firstIndex(where: { Temporary.isOne(String($0)) }) else { return path }
    let before = parts[..<first].joined(separator: "/")
    return before.isEmpty ? (path.begins(with: "/") ? "/" : ".") : before
  }

  /// The error of the call that was just made.
  static func last(_ action: String, _ path: String) -> DiskError {
    DiskError(action, path, errno)
  }

  /// The error of a file that has more than is read of one like it.
  static func tooLarge(_ path: String, limit: Int64) -> DiskError {
    DiskError("read", path, EFBIG, reason: "it has more than \(limit) bytes")
  }

  /// True where nothing is wrong but that the task was cancelled.
  package var isInterruption: Bool { code == ECANCELED }

  /// What is wrong, without the path.
  package var why: String { reason ?? Self.words(code) }

  /// One sentence, with the path: on one line, whatever name somebody has given.
  package var description: String {
    let name = String(
      String.UnicodeScalarView(path.unicodeScalars.map { $0 == "\n" ? "\u{FFFD}" : $0 }))
    return "cannot \(action) \(name): \(why)"
  }

  /// The system's words, or better ones.
  package static func words(_ code: Int32) -> String {
    switch code {
    case ENOSPC: "the disk is full"
    case EDQUOT: "the disk quota is used up"
    case EROFS: "the file system is read-only"
    case EACCES, EPERM: "permission denied"
    case EISDIR: "it is a directory"
    case ENOTDIR: "part of the path is no directory"
    case ENAMETOOLONG: "the name is too long"
    case ELOOP: "it is a symbolic link, and none is followed here"
    case ECANCELED: "interrupted"
    default: String(cString: strerror(code))
    }
  }
}
