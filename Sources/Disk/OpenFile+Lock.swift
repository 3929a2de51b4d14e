import Glibc
import Text

extension OpenFile {
  /// Takes the lock of the file; false when another process or handle has it.
  ///
  /// Where the file system has no locks, nobody can have it: that is noted, and everybody goes on.
  package func lock(exclusive: Bool) throws(DiskError) -> Bool {
    let operation = (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB
    guard retrying({ flock(descriptor, operation) }) != 0 else { return true }
    if errno == EWOULDBLOCK { return false }
    guard Shortcoming.locks.isMeant(by: errno) else { throw .last("lock", path) }
    FileSystemNotes.process.add(.locks, at: folder.path)
    return true
  }

  /// Takes the lock of the file for this process alone, if nobody has it; false also where there
  /// are no locks.
  func isLockedQuietly() -> Bool { retrying({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 }

  /// Takes the lock of the file, and waits for it, but not for ever.
  ///
  /// - Parameters:
  ///   - exclusive: whether for this process alone.
  ///   - seconds: how long at most.
  ///   - tell: told once, after a second, what is waited for.
  /// - Throws: `DiskError`: the time is over, or the task was cancelled.
  package func waitForLock(
    exclusive: Bool = true, seconds: Double, tell: (String) -> Void
  ) throws(DiskError) {
    var waited = 0.0
    var isTold = false
    while try !lock(exclusive: exclusive) {
      guard waited < seconds else {
        throw DiskError("lock", path, EWOULDBLOCK, reason: "it is still locked by \(holder)")
      }
      if waited >= 1, !isTold {
        isTold = true
        tell("waiting for the lock of \(path), which \(holder) has")
      }
      let step = 0.05
      try Waiting.pause(step, DiskError("lock", path, ECANCELED))
      waited += step
    }
  }

  /// Who has the lock, as far as it can be told.
  private var holder: String {
    lockHolder.map { $0 == getpid() ? "this process" : "process \($0)" } ?? "another process"
  }

  /// The process that has the lock; nil where none has, or where it cannot be told.
  package var lockHolder: Int32? {
    guard let mine = info else { return nil }
    let device = UInt64(mine.st_dev)
    let major = (device >> 8 & 0xfff) | (device >> 32 & 0xffff_f000)
    let minor = (device & 0xff) | (device >> 12 & 0xffff_ff00)
    func hex(_ number: UInt64) -> String {
      let text = String(number, radix: 16)
      return text.count < 2 ? "0" + text : text
    }
    let wanted = "\(hex(major)):\(hex(minor)):\(mine.st_ino)"
    let lines = (try? InputFile.text("/proc/locks", limit: 4 << 20))?.parts(at: "\n") ?? []
    for line in lines {
      let words = line.parts(at: " ")
      // 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF; those who wait have an arrow.
      guard words.count >= 6, words[1] == "FLOCK", words[5] == wanted, let pid = Int32(words[4]),
        pid > 0
      else { continue }
      return pid
    }
    return nil
  }
}
