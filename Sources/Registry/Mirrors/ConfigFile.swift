import Glibc

/// A file of the user's or the machine's configuration, read whole.
enum ConfigFile: Equatable {
  /// There is none.
  case missing
  /// Its text.
  case text(String)
  /// It is there and cannot be read; why.
  case unusable(String)

  /// The most bytes of a file.
  private static let limit = 4 << 20

  /// Reads a file.
  ///
  /// - Parameter path: where it may be.
  static func read(_ path: String) -> ConfigFile {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      return isAbsence(errno) ? .missing : .unusable(words(errno))
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= limit {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return .unusable(words(errno)) }
      if count == 0 { return decoded(bytes) }
      bytes += chunk[..<count]
    }
    return .unusable("it has more than \(limit) bytes")
  }

  /// Whether a directory or file is there; a reason where that cannot be found out.
  static func exists(_ path: String) -> Result<Bool, Unclear> {
    var info = stat()
    if stat(path, &info) == 0 { return .success(true) }
    return isAbsence(errno) ? .success(false) : .failure(Unclear(reason: words(errno)))
  }

  /// Why it cannot be found out whether something is there.
  struct Unclear: Error, Equatable {
    let reason: String
  }

  /// The names in a directory, sorted; empty where there is none.
  static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Whether a file can be read by this user.
  static func isReadable(_ path: String) -> Bool {
    var info = stat()
    return access(path, R_OK) == 0 && stat(path, &info) == 0 && info.st_mode & S_IFMT != S_IFDIR
  }

  /// TOML is UTF-8, comments too: who wrote something else may have meant something else in other places as well.
  private static func decoded(_ bytes: [UInt8]) -> ConfigFile {
    if let text = String(validating: bytes, as: UTF8.self) { return .text(text) }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let bad = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
    return .unusable("line \(bad + 1) is not UTF-8")
  }

  private static func isAbsence(_ code: Int32) -> Bool { code == ENOENT || code == ENOTDIR }

  private static func words(_ code: Int32) -> String { String(cString: strerror(code)) }
}
