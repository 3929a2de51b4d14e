package import Glibc
import Synchronization

/// A file that the user named for something to be written to.
///
/// What is there already decides how:
///
/// | there is | it is |
/// |---|---|
/// | nothing, or a file | written beside it under a temporary name, which it gets when it is whole |
/// | a file that cannot be replaced: mounted by itself, in a folder that is not ours | written in place |
/// | a link | what it leads to, as far as `LinkTrust` lets us |
/// | a pipe, a device, a descriptor of this process (`/dev/stdout`, a shell's `>(…)`, `-`) | written as it is |
/// | a directory, a socket, a block device | refused |
package final class OutputFile: Sendable {
  /// What is there.
  package enum Present: Sendable, Equatable {
    case nothing, file
    /// A pipe, a device or a descriptor: nothing is replaced.
    case stream
  }

  private enum Form {
    case temporary(Temporary, OpenFile, target: String, over: stat?)
    case inPlace(OpenFile)
    case stream(OpenDescriptor)
  }

  private let path: String
  private let form: Form
  private let isLive: Bool
  private let isFinished = Mutex(false)
  /// What a stream did not get yet.
  private let pending = Mutex(ContiguousArray<UInt8>())

  /// Bytes that a pipe takes without making us wait, once it takes any.
  ///
  /// What is not written live goes in such pieces, since some readers want whole blocks (`tar -f`).
  private static let streamBytes = 4096
  private static let action = "write"

  // MARK: Looking

  /// Whether a path means standard output.
  package static func isStandardOutput(_ path: String) -> Bool {
    path == "-" || OwnDescriptor.number(path) == STDOUT_FILENO
  }

  /// Whether a path leads to a terminal.
  package static func isTerminal(_ path: String) -> Bool {
    if let number = path == "-" ? STDOUT_FILENO : OwnDescriptor.number(path) {
      return isatty(number) == 1
    }
    guard (try? Files.target(path))?.kind == .characterDevice,
      let file = OpenDescriptor(path, at: AT_FDCWD, O_WRONLY | O_NONBLOCK | O_NOCTTY)
    else { return false }
    return isatty(file.number) == 1
  }

  /// Looks, before anything is done, whether a path can be written.
  ///
  /// - Throws: `DiskError`: it cannot.
  package static func check(_ path: String) throws(DiskError) -> Present {
    if path == "-" { return try checked(STDOUT_FILENO, "standard output") }
    if let number = OwnDescriptor.number(path) { return try checked(number, path) }
    let place = try PathWalk.place(path)
    if let number = OwnDescriptor.number(place) { return try checked(number, path) }
    guard let name = place.name else { throw DiskError(action, path, EISDIR) }
    if place.isMagic { return .stream }
    let folder = Folder(place.folder, path: path)
    var info = stat()
    guard fstatat(place.folder.number, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else {
      guard errno == ENOENT else { throw .last(action, path) }
      if let code = folder.refusal { throw DiskError(action, path, code) }
      return .nothing
    }
    switch info.kind {
    case .regular:
      let code = folder.refusal ?? (folder.keeps(info) ? EPERM : nil)
      if let code, faccessat(place.folder.number, name, W_OK, 0) != 0 {
        throw DiskError(action, path, code)
      }
      return .file
    case .pipe, .characterDevice:
      guard faccessat(place.folder.number, name, W_OK, 0) == 0 else { throw .last(action, path) }
      return .stream
    case let kind: throw DiskError(action, path, kind.code, reason: kind.words)
    }
  }

  /// The directory in which a path is written; nil: it is a descriptor of this process, or cannot be reached.
  package static func folder(of path: String) -> Folder? {
    guard path != "-", OwnDescriptor.number(path) == nil, let place = try? PathWalk.place(path)
    else { return nil }
    return Folder(place.folder, path: Files.parent(of: path))
  }

  private static func checked(_ number: Int32, _ path: String) throws(DiskError) -> Present {
    if let reason = StandardFiles.complaint(number) {
      throw DiskError(action, path, EBADF, reason: reason)
    }
    let flags = fcntl(number, F_GETFL)
    guard flags & O_ACCMODE != O_RDONLY else {
      throw DiskError(action, path, EBADF, reason: "it is open for reading only")
    }
    return .stream
  }

  // MARK: Opening

  /// Opens a path for writing.
  ///
  /// - Parameters:
  ///   - path: as the user named it; `-` is standard output.
  ///   - mode: of a new file, less the process's mask; one that replaces this user's keeps that one's.
  ///   - isLive: true where it is to be seen under its name while it is written.
  ///   - replaces: whether a file that is there may be replaced; what comes to be there later never is.
  ///   - tell: told what is waited for: the reader of a pipe.
  /// - Throws: `DiskError`; with `ECANCELED` where the task was cancelled while it waited.
  package init(
    _ path: String, mode: mode_t = 0o644, isLive: Bool = false, replaces: Bool = true,
    tell: (String) -> Void = { _ in }
  ) throws(DiskError) {
    self.path = path == "-" ? "standard output" : path
    self.isLive = isLive
    if let number = path == "-" ? STDOUT_FILENO : OwnDescriptor.number(path) {
      form = .stream(try OwnDescriptor.copy(of: number, Self.action, self.path))
      return
    }
    _ = try Self.check(path)
    let place = try PathWalk.place(path)
    guard let name = place.name else { throw DiskError(Self.action, path, EISDIR) }
    if let number = OwnDescriptor.number(place) {
      form = .stream(try OwnDescriptor.copy(of: number, Self.action, path))
      return
    }
    let folder = Folder(place.folder, path: Files.parent(of: path))
    let looked = place.isMagic ? nil : folder.info(name)
    if place.isMagic || looked?.isStream ?? false {
      form = .stream(try Self.stream(place, name, path, looked, tell))
    } else {
      guard replaces || looked == nil else { throw DiskError(Self.action, path, EEXIST) }
      form = try Self.file(name, in: folder, over: looked, mode, path, isLive)
    }
  }

  private static func file(
    _ name: String, in folder: Folder, over old: stat?, _ mode: mode_t, _ path: String,
    _ isLive: Bool
  ) throws(DiskError) -> Form {
    Leftovers.clear(in: folder)
    do throws(DiskError) {
      if let old, folder.keeps(old) { throw DiskError(action, path, EPERM) }
      let temporary = Temporary(in: folder)
      let file = try temporary.open(mode)
      if let old { file.keepMode(of: old) }
      guard isLive else {
        return .temporary(temporary, file, target: name, over: old)
      }
      try temporary.take(name, replacing: old != nil)
      return .inPlace(file)
    } catch {
      // A file in a folder where nothing can be made or renamed may be written all the same.
      guard let old, [EACCES, EPERM, EROFS, EBUSY, EXDEV].contains(error.code),
        let file = try? OpenFile(name, in: folder, O_WRONLY), file.info?.isSame(as: old) ?? false
      else { throw DiskError(action, path, error.code, reason: error.reason) }
      try file.cut(to: 0)
      return .inPlace(file)
    }
  }

  /// Opens a pipe or a device, and waits for the reader of a pipe.
  ///
  /// - Parameter looked: what is meant; nil: what a link of `/proc` leads to, be it a file.
  private static func stream(
    _ place: PathWalk.Place, _ name: String, _ path: String, _ looked: stat?,
    _ tell: (String) -> Void
  ) throws(DiskError) -> OpenDescriptor {
    let links = place.isMagic ? 0 : O_NOFOLLOW
    var isTold = false
    while true {
      let flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | links
      if let opened = OpenDescriptor(name, at: place.folder.number, flags) {
        // Whoever owns the folder can put any file where a pipe was, also one that only we can write.
        guard let info = opened.info, info.isStream || looked == nil && info.kind == .regular,
          looked.map(info.isSame) ?? true
        else { throw DiskError(action, path, EINVAL, reason: "it is no longer what it was") }
        return opened
      }
      var info = stat()
      guard errno == ENXIO, fstatat(place.folder.number, name, &info, 0) == 0, info.kind == .pipe
      else { throw .last(action, path) }
      if !isTold {
        isTold = true
        tell("waiting for somebody to read the pipe \(path)")
      }
      try Waiting.pause(0.05, DiskError(action, path, ECANCELED))
    }
  }

  // MARK: Writing

  /// Appends bytes.
  ///
  /// - Throws: `DiskError`; with `ECANCELED` where the task was cancelled.
  package func write(_ bytes: some Collection<UInt8>) throws(DiskError) {
    let array = ContiguousArray(bytes)
    try array.withUnsafeBufferPointer { (bytes) throws(DiskError) in
      try write(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Appends bytes.
  ///
  /// - Throws: `DiskError`; with `ECANCELED` where the task was cancelled.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(DiskError) {
    guard !Task.isCancelled else { throw DiskError(Self.action, path, ECANCELED) }
    switch form {
    case .temporary(_, let file, _, _), .inPlace(let file):
      do { try file.writeAll(bytes) } catch {
        throw DiskError(Self.action, path, error.code, reason: error.reason)
      }
    case .stream(let file):
      guard !isLive else { return try stream(bytes, to: file.number) }
      let whole = pending.withLock { pending in
        pending += bytes
        let whole = pending.prefix(pending.count / Self.streamBytes * Self.streamBytes)
        pending.removeFirst(whole.count)
        return ContiguousArray(whole)
      }
      try send(whole, to: file)
    }
  }

  private func send(_ bytes: ContiguousArray<UInt8>, to file: OpenDescriptor) throws(DiskError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(DiskError) in
      try stream(UnsafeRawBufferPointer(bytes), to: file.number)
    }
  }

  private func stream(_ bytes: UnsafeRawBufferPointer, to number: Int32) throws(DiskError) {
    let interruption = DiskError(Self.action, path, ECANCELED)
    var done = 0
    while done < bytes.count {
      _ = try Waiting.until(number, POLLOUT, interruption)
      let count = Glibc.write(
        number, bytes.baseAddress.map { $0 + done }, min(bytes.count - done, Self.streamBytes))
      if count < 0 {
        if errno == EINTR || errno == EAGAIN { continue }
        throw .last(Self.action, path)
      }
      guard count > 0 else { throw DiskError(Self.action, path, EIO) }
      done += count
    }
  }

  /// Gives what is whole its name.
  ///
  /// - Throws: `DiskError`; what was there before is still there then, unless it was written in place.
  package func finish() throws(DiskError) {
    guard
      isFinished.withLock({ isDone in
        defer { isDone = true }
        return !isDone
      })
    else { return }
    switch form {
    case .stream(let file): try send(pending.withLock { $0 }, to: file)
    case .inPlace(let file): try file.sync()
    case .temporary(let temporary, let file, let target, let old):
      try file.sync()
      do {
        // What has come to be there meanwhile is not what was looked at.
        try temporary.take(target, replacing: old != nil)
      } catch {
        // Mounted by itself: it cannot be replaced, but written.
        guard error.code == EBUSY, let old else {
          throw DiskError(Self.action, path, error.code, reason: error.reason)
        }
        try Self.copy(file, over: target, old)
      }
    }
  }

  private static func copy(_ file: OpenFile, over name: String, _ old: stat) throws(DiskError) {
    let target = try OpenFile(name, in: file.folder, O_WRONLY)
    guard target.info?.isSame(as: old) ?? false else {
      throw DiskError(action, target.path, ESTALE, reason: "it is no longer what it was")
    }
    try target.cut(to: 0)
    try target.copy(0..<Int64(file.info?.st_size ?? 0), from: file)
    try target.sync()
  }
}
