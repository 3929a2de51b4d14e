import Glibc
import Synchronization
import Text

/// A file that a user or a configuration names, read whole.
///
/// It never waits for a writer who does not come, and never reads without an end.
package enum InputFile {
  /// What may be read beside regular files.
  package enum Pipes: Sendable {
    /// Nothing: nobody means a pipe by a file that is looked for at its usual place.
    case refused
    /// Pipes, because somebody named one on purpose: `<(…)`, `/dev/stdin`. What one says is
    /// remembered, since it says it once.
    case read
  }

  /// How long a pipe may be without a writer, in seconds: a shell needs a moment to start the one
  /// of `cat x > pipe &`.
  private static let grace = 2.0

  /// Bytes that are read at a time: as many as a file should have, but for these bounds.
  private static let chunkSizes = (4 << 10)...(64 << 10)

  /// What pipes said, by name and by file.
  private static let said = Mutex<[String: [UInt8]]>([:])

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: its path.
  ///   - limit: the most bytes that it may have.
  ///   - pipes: what may be read beside regular files.
  ///   - trust: whose files, pipes and links count; nil: everybody's.
  /// - Throws: `DiskError`.
  package static func read(
    _ path: String, limit: Int, pipes: Pipes = .refused, trust: FileTrust? = nil
  ) throws(DiskError) -> [UInt8] {
    let file = try open(path, trust)
    guard let info = file.info else { throw .last("read", path) }
    // What this process was started with was chosen by who started it.
    let isGiven = OwnDescriptor.number(path) != nil && info.kind != .regular
    if let trust, !isGiven { try trust.require(info, path) }
    switch info.kind {
    case .regular:
      return try bytes(of: file, path, limit, waits: false, expected: Int(clamping: info.st_size))
    case .characterDevice where isNull(info): return []
    case .pipe where pipes == .read, .socket where pipes == .read,
      .characterDevice where pipes == .read && isatty(file.number) == 0:
      let key = "\(info.st_dev) \(info.st_ino) \(path)"
      if let known = said.withLock({ $0[key] }) { return known }
      let found = try bytes(of: file, path, limit, waits: true)
      said.withLock { $0[key] = found }
      return found
    case let kind: throw DiskError("read", path, kind.code, reason: kind.words)
    }
  }

  /// Reads a text; what is no UTF-8 in it becomes U+FFFD.
  package static func text(_ path: String, limit: Int) throws(DiskError) -> String {
    String(outside: try read(path, limit: limit))
  }

  /// What is wrong with a file that somebody named, without reading it; nil: nothing.
  package static func complaint(_ path: String, pipes: Pipes = .read, trust: FileTrust? = nil)
    -> String?
  {
    do {
      let file = try open(path, trust)
      guard let info = file.info else { return DiskError.words(errno) }
      if let trust { try trust.require(info, path) }
      switch info.kind {
      case .regular: return nil
      case .pipe where pipes == .read, .socket where pipes == .read: return nil
      case .characterDevice where isNull(info): return nil
      case let kind: return kind.words
      }
    } catch {
      return error.why
    }
  }

  private static func open(_ path: String, _ trust: FileTrust?) throws(DiskError) -> OpenDescriptor
  {
    let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
    let number = OwnDescriptor.number(path)
    if let number, let reason = StandardFiles.complaint(number) {
      throw DiskError("read", path, EBADF, reason: reason)
    }
    var code: Int32 = 0
    if let trust, number == nil {
      do { return try trust.open(path, flags) } catch {
        guard error.reason == nil else { throw error }
        code = error.code
      }
    } else {
      if let opened = OpenDescriptor(path, at: AT_FDCWD, flags) { return opened }
      code = errno
    }
    // A socket cannot be opened by name, nor a pipe of whoever started us.
    if let number {
      return try OwnDescriptor.copy(of: number, "read", path)
    }
    var info = stat()
    if code == ENOENT, lstat(path, &info) == 0, info.kind == .link {
      throw DiskError("read", path, code, reason: "it is a link that leads nowhere")
    }
    if code == ENXIO, stat(path, &info) == 0 {
      throw DiskError("read", path, code, reason: info.kind.words)
    }
    throw DiskError("read", path, code)
  }

  /// `/dev/null`: a file with nothing in it, which people put in place of configurations.
  private static func isNull(_ info: stat) -> Bool { info.st_rdev == 0x103 }

  /// Reads to the end.
  ///
  /// - Parameter expected: bytes that it has, as the system says; it may have others.
  private static func bytes(
    of file: OpenDescriptor, _ path: String, _ limit: Int, waits: Bool,
    expected: Int = chunkSizes.upperBound
  ) throws(DiskError) -> [UInt8] {
    let interruption = DiskError("read", path, ECANCELED)
    // Only what was opened here is sure to say "later" instead of making us wait.
    let mayBlock = waits && fcntl(file.number, F_GETFL) & O_NONBLOCK == 0
    var hasWriter = !waits || mayBlock
    var left = grace
    var bytes: [UInt8] = []
    // Files of `/proc` say that they are empty.
    let size = min(max(expected, chunkSizes.lowerBound), chunkSizes.upperBound)
    var chunk = [UInt8](repeating: 0, count: size)
    while true {
      if mayBlock { _ = try Waiting.until(file.number, POLLIN, interruption) }
      let count = Glibc.read(file.number, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        guard waits, errno == EAGAIN else { throw .last("read", path) }
        hasWriter = true
        _ = try Waiting.until(file.number, POLLIN, interruption)
      } else if count > 0 {
        hasWriter = true
        bytes += chunk[..<count]
        guard bytes.count <= limit else {
          throw .tooLarge(path, limit: Int64(limit))
        }
      } else {
        if hasWriter { return bytes }
        guard left > 0 else {
          throw DiskError("read", path, EAGAIN, reason: "it is a pipe that nobody writes to")
        }
        let step = 0.02
        try Waiting.pause(step, interruption)
        left -= step
      }
    }
  }
}
