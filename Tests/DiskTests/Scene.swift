import Foundation
import Support
import Synchronization

/// Things that files, pipes and links are made of, in a folder that goes with the value.
struct Scene: ~Copyable {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func path(_ name: String) -> String { folder(name) }

  func file(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
    try Data(text.utf8).write(to: URL(filePath: path(name)))
    chmod(path(name), mode)
  }

  func text(_ name: String) -> String? {
    try? String(contentsOfFile: path(name), encoding: .utf8)
  }

  func names(_ name: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path(name))) ?? []).sorted()
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: path(name), withIntermediateDirectories: true)
  }

  func link(_ name: String, to target: String, owner: uid_t? = nil) {
    symlink(target, path(name))
    if let owner { lchown(path(name), owner, owner) }
  }

  func mode(_ name: String) -> mode_t? {
    var info = stat()
    return lstat(path(name), &info) == 0 ? info.st_mode : nil
  }

  static let isRoot = geteuid() == 0
  static let stranger: uid_t = 65_534
}

/// Does something again and again on a thread of its own, until it is stopped.
final class Loop: Sendable {
  private let ended = Gate()
  private let isStopped = Mutex(false)

  init(_ body: @escaping @Sendable () -> Void) {
    Thread.detachNewThread { [self] in
      while !isStopped.withLock({ $0 }) { body() }
      ended.open()
    }
  }

  func stop() {
    isStopped.withLock { $0 = true }
    ended.pass()
  }
}
