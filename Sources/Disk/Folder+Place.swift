import Glibc
import Text

/// Whether a name could be given to something else, asked before the work that it would be for.
extension Folder {
  /// Why what has a name cannot be replaced by this user; nil: it can, as far as can be told.
  ///
  /// - Parameter name: of something that is there, or of nothing.
  package func obstacle(to name: String) -> DiskError? {
    if let code = refusal { return DiskError("write", path(of: name), code) }
    guard let info = info(name) else { return nil }
    if isMount(name) {
      return DiskError(
        "write", path(of: name), EBUSY,
        reason: "something is mounted there, which is not replaced: name a new directory in it")
    }
    return keeps(info) ? DiskError("write", path(of: name), EPERM) : nil
  }

  /// Whether a folder like `/tmp`, where everybody's things are their own, keeps something from this user.
  func keeps(_ info: stat) -> Bool {
    let me = geteuid()
    guard me != 0, let mine = self.info, mine.st_mode & S_ISVTX != 0 else { return false }
    return info.st_uid != me && mine.st_uid != me
  }

  /// Whether a name is that of a directory where something is mounted, be it a part of the same disk.
  package func isMount(_ name: String) -> Bool {
    guard let inner = try? folder(name), let theirs = inner.info, let mine = info else {
      return false
    }
    guard let outerMount = mount, let innerMount = inner.mount else {
      return theirs.st_dev != mine.st_dev
    }
    return outerMount != innerMount
  }

  /// The number of the mount that it is in (`/proc/PID/fdinfo`, proc(5)); nil where the kernel does not say.
  private var mount: Int? {
    let text = try? InputFile.text("/proc/self/fdinfo/\(handle.number)", limit: 64 << 10)
    let line = text?.parts(at: "\n").first { $0.begins(with: "mnt_id:") }
    return line?.unicodeScalars.split { $0 == "\t" || $0 == " " }.last.flatMap { Int(String($0)) }
  }

  /// Why others than this user and root may change what is in it, by its owner and mode; nil: none
  /// may, but for a group.
  package var complaint: String? {
    info.flatMap { FileTrust.process.complaint($0)?.reason }
  }
}
