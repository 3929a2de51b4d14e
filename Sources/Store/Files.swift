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
    if mkdir(path, mode) == 0 || errno == EEXIST && isDirectory(path) { return }
    guard errno == ENOENT else { throw failed("make directory", path) }
    let parent = self.parent(of: path)
    guard parent != path else { throw failed("make directory", path) }
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

  static func syncDirectory(_ path: String) throws(StoreError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failed("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failed("sync", path) }
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
      if count < 0 { throw failed("read", path) }
      if count == 0 { return data }
      data.append(contentsOf: buffer[..<count])
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
      guard rename(temporary, path) == 0 else { throw failed("write", path) }
    } catch {
      unlink(temporary)
      throw error
    }
    try syncDirectory(parent(of: path))
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

  /// Bytes that this user can still write to the file system of a path.
  static func freeBytes(_ path: String) -> Int64? {
    var info = statvfs()
    guard statvfs(path, &info) == 0 else { return nil }
    return Int64(clamping: UInt64(info.f_bavail) * UInt64(info.f_frsize))
  }
}

/// An open file descriptor that closes itself.
final class OpenFile: Sendable {
  let descriptor: Int32
  let path: String

  init(_ path: String, _ flags: Int32, _ mode: mode_t = 0o600) throws(StoreError) {
    descriptor = open(path, flags | O_CLOEXEC, mode)
    self.path = path
    guard descriptor >= 0 else { throw Files.failed("open", path) }
  }

  /// Takes a second descriptor of an open one.
  init(duplicating other: Int32, named path: String) throws(StoreError) {
    descriptor = fcntl(other, F_DUPFD_CLOEXEC, 3)
    self.path = path
    guard descriptor >= 0 else { throw Files.failed("open", path) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Takes the lock of the file; false when another process or handle has it.
  func lock(exclusive: Bool, wait: Bool) throws(StoreError) -> Bool {
    let operation = (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB)
    while flock(descriptor, operation) != 0 {
      if errno == EWOULDBLOCK { return false }
      guard errno == EINTR else { throw Files.failed("lock", path) }
    }
    return true
  }

  /// True while the path still names this very file.
  var isStillNamed: Bool {
    var mine = stat()
    guard fstat(descriptor, &mine) == 0, let named = Files.info(path) else { return false }
    return mine.st_ino == named.st_ino && mine.st_dev == named.st_dev
  }

  /// Writes a whole buffer at an offset; 0 or an `errno`.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done,
        off_t(offset) + off_t(done))
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      done += count
    }
    return 0
  }

  /// Appends at the file's position.
  func writeAll(_ bytes: some Collection<UInt8>) throws(StoreError) {
    let array = ContiguousArray(bytes)
    var done = 0
    while done < array.count {
      let count = array.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw Files.failed("write", path)
      }
      done += count
    }
  }

  /// Waits until the data is on the disk.
  func sync() throws(StoreError) {
    guard fdatasync(descriptor) == 0 else { throw Files.failed("sync", path) }
  }
}
