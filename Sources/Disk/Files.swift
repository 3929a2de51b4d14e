package import Glibc
import Text

/// What is under a path; for questions only, since the answer may be old when it is used.
package enum Files {
  /// What `stat` says of a path itself (links are not followed); nil where there is nothing.
  package static func info(_ path: String) -> stat? {
    var info = stat()
    return lstat(path, &info) == 0 ? info : nil
  }

  /// False where a path certainly leads to nothing.
  package static func isThere(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 || errno != ENOENT
  }

  /// What `stat` says of what a path leads to.
  ///
  /// - Throws: `DiskError` with the code `ENOENT` or `ENOTDIR` where there is nothing.
  package static func target(_ path: String) throws(DiskError) -> stat {
    var info = stat()
    guard stat(path, &info) == 0 else { throw .last("open", path) }
    return info
  }

  /// The names in a directory, sorted; empty where there is none.
  package static func list(_ path: String) -> [String] {
    guard let opened = OpenDescriptor(path, at: AT_FDCWD, OpenDescriptor.pathOnly | O_DIRECTORY)
    else {
      return []
    }
    return Folder(opened, path: path).list()
  }

  /// Size of a regular file; nil where there is none.
  package static func size(_ path: String) -> Int64? {
    guard let info = info(path), info.kind == .regular else { return nil }
    return Int64(info.st_size)
  }

  /// The directory of a path's last name.
  package static func parent(of path: String) -> String {
    guard let (folder, _) = path.cut(atLast: "/") else { return "." }
    return folder.isEmpty ? "/" : String(folder)
  }

  /// A path that begins at the root.
  ///
  /// - Throws: `DiskError`: where this process is has no path, or one that is no UTF-8.
  package static func absolute(_ path: String) throws(DiskError) -> String {
    guard !path.begins(with: "/") else { return path }
    var here = [CChar](repeating: 0, count: Int(PATH_MAX))
    guard getcwd(&here, here.count) != nil else { throw .last("open", path) }
    guard let folder = String(validating: here.prefix { $0 != 0 }, as: UTF8.self) else {
      throw DiskError(
        "open", path, EILSEQ, reason: "the path of the folder that it is in is no UTF-8")
    }
    return folder + (folder.ends(with: "/") ? "" : "/") + path
  }

  /// The text of a link; nil where it is none, or no UTF-8.
  package static func link(_ path: String) -> String? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlink(path, &target, target.count)
    guard length > 0 else { return nil }
    return String(validating: target[..<length], as: UTF8.self)
  }
}
