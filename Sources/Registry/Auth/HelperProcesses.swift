import Disk
import Glibc
import Subprocess
import Synchronization

/// All that a credential helper starts, so that it can be ended with it.
///
/// Many helpers are scripts. What those start keeps the helper's outputs open when the script is
/// gone, and goes on for ever. They are known by a variable of their environment, whoever their
/// parent is by then; what became a daemon meanwhile, an agent for example, has a session of its
/// own and stays.
package struct HelperProcesses: Sendable {
  /// The variable.
  static let variable: Environment.Key = "CAIRN_HELPER"

  /// Its value, unlike that of any other helper.
  let value: String

  /// An environment is no longer on Linux.
  private static let mostBytes: Int64 = 8 << 20
  /// Rounds until nothing is found: a process may start another while it is looked at.
  private static let mostRounds = 20

  private static let running = Mutex<Set<String>>([])

  /// Notes that there are some, until they are over.
  func note() { _ = Self.running.withLock { $0.insert(value) } }

  /// Notes that they are over.
  func withdraw() { _ = Self.running.withLock { $0.remove(value) } }

  /// Ends all that this process has: it is about to end.
  package static func endAll() {
    for value in running.withLock({ $0 }) { HelperProcesses(value: value).end() }
  }

  init(value: String = String(UInt64.random(in: 0 ... .max), radix: 36)) { self.value = value }

  /// Ends them at once.
  func end() {
    for _ in 0..<Self.mostRounds where !endsNone() {}
  }

  /// Ends those that are there now; true where there were none.
  private func endsNone() -> Bool {
    guard let all = try? Folder("/proc") else { return true }
    let entry = Array("\(Self.variable.rawValue)=\(value)".utf8)
    var isNone = true
    for name in all.list() {
      guard let number = pid_t(name), number > 0, getpgid(number) == getpgrp(),
        let environment = try? all.folder(name).read("environ", limit: Self.mostBytes),
        environment.split(separator: 0).contains(where: { $0.elementsEqual(entry) })
      else { continue }
      isNone = false
      kill(number, SIGKILL)
    }
    return isNone
  }
}
