import FoundationEssentials
import Glibc

/// The system calls that the store is made of, with errors that name the path.
enum Files {
  static func message(_ code: Int32) -> String {
    switch code {
    case ENOSPC: "the disk is full"
    case EDQUOT: "the disk quota is used up"
    case EROFS: "the file system is read-only"
    case EACCES, EPERM: "permission denied"
    default: String(cString: strerror(code))
    }
  }

  static func failed(_ action: String, _ path: String) -> StoreError {
    .system(action: action, path: path, errno: errno)
  }

  // MARK: Directories

  /// Makes a directory and its parents; those made are private to the user.
  static func makeDirectory(_ path: String, mode: mode_t = 0o700) throws(StoreError) {
    if mkdir(path, mode) == 0 { return }
    let code = errno
    // Some refuse to make what is there already in other words than "it exists".
    if isDirectory(path) { return }
    let parent = self.parent(of: path)
    guard code == ENOENT, parent != path else {
      throw .system(action: "make directory", path: path, errno: code)
    }
    try makeDirectory(parent, mode: mode)
    guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failed("make directory", path) }
  }

  /// Makes directories below a root; where one of them is a link, what is to go in there could end up anywhere.
  static func makeDirectory(_ names: String, below root: String, mode: mode_t = 0o700)
    throws(StoreError)
  {
    var path = root
    for name in names.split(separator: "/") {
      path += "/\(name)"
      if let info = info(path), info.st_mode & S_IFMT == S_IFLNK {
        throw .system(action: "use the link", path: path, errno: ELOOP)
      }
      try makeDirectory(path, mode: mode)
    }
  }

  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  static func isDirectory(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
  }

  /// Names in a directory, sorted; empty where there is none.
  static func list(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Makes the names in a directory survive a loss of power, where its file system can.
  static func syncDirectory(_ path: String) throws(StoreError) {
    let descriptor = retrying { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { if descriptor >= 0 { close(descriptor) } }
    guard descriptor < 0 || retrying({ fsync(descriptor) }) != 0 else { return }
    guard Shortcoming.directorySync.isMeant(by: errno) else { throw failed("sync", path) }
    FileSystemNotes.process.add(.directorySync, at: path)
  }

  /// Makes a call again for as long as a signal interrupts it.
  static func retrying(_ call: () -> Int32) -> Int32 {
    while true {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
  }

  // MARK: Files

  /// What `stat` says of a path itself (links are not followed); nil where there is nothing.
  static func info(_ path: String) -> stat? {
    var info = stat()
    return lstat(path, &info) == 0 ? info : nil
  }

  /// Size of a regular file; nil where there is none.
  static func size(_ path: String) -> Int64? {
    guard let info = info(path), info.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int64(info.st_size)
  }

  static func read(_ path: String, limit: Int64) throws(StoreError) -> Data {
    let file = try OpenFile(path, O_RDONLY | O_NOFOLLOW)
    var info = stat()
    guard fstat(file.descriptor, &info) == 0 else { throw failed("read", path) }
    guard info.st_size <= limit else {
      throw .system(action: "read", path: path, errno: EFBIG)
    }
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(file.descriptor, &buffer, buffer.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw failed("read", path)
      }
      if count == 0 { return data }
      data.append(contentsOf: buffer[..<count])
      // Some do not know a file's size before it was read.
      guard data.count <= limit else { throw .system(action: "read", path: path, errno: EFBIG) }
    }
  }

  /// A name beside a path that nobody can have made before.
  static func temporaryName(beside path: String) -> String {
    "\(path).\(getpid()).\(String(UInt64.random(in: 0 ... .max), radix: 36)).new"
  }

  /// Puts a file in place so that a crash leaves the old or the new one, never a part.
  static func writeAtomically(_ path: String, _ bytes: Data, mode: mode_t = 0o600)
    throws(StoreError)
  {
    let temporary = temporaryName(beside: path)
    do throws(StoreError) {
      let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode)
      try file.writeAll(bytes)
      try file.sync()
      try replace(path, by: temporary)
    } catch {
      unlink(temporary)
      throw error
    }
    try syncDirectory(parent(of: path))
  }

  /// Gives a file the name that another has, or nobody.
  static func replace(_ path: String, by temporary: String, action: String = "write")
    throws(StoreError)
  {
    if rename(temporary, path) == 0 { return }
    // A few can give a name only to what has none.
    guard errno == EEXIST else { throw failed(action, path) }
    try remove(path)
    guard rename(temporary, path) == 0 else { throw failed(action, path) }
  }

  /// Whether the file system of an open file takes files of a size; it is only asked, nothing is written.
  static func takes(_ size: Int64, _ file: OpenFile) -> Bool {
    // Whoever has a limit does not go beyond it, and whoever has none goes anywhere.
    lseek(file.descriptor, off_t(size), SEEK_SET) >= 0
      || ![EINVAL, EFBIG, EOVERFLOW].contains(errno)
  }

  static func remove(_ path: String) throws(StoreError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw failed("remove", path) }
  }

  /// Removes a directory and everything in it; links are removed, not followed.
  static func removeTree(_ path: String) throws(StoreError) {
    if let info = info(path), info.st_mode & S_IFMT == S_IFDIR {
      for name in list(path) { try removeTree("\(path)/\(name)") }
      guard rmdir(path) == 0 || errno == ENOENT else { throw failed("remove", path) }
    } else {
      try remove(path)
    }
  }
}
