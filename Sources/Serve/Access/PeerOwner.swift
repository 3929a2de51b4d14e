import Disk
import Glibc
import Transfer

/// Finds out whose process is at the other end of a connection that never leaves this machine.
enum PeerOwner {
  /// The user whose socket it is; nil: it is not known, or not of this machine.
  ///
  /// - Parameter end: a connection, as that socket sees it.
  static func user(at end: SocketDiagnosis.Connection) -> UInt32? {
    guard end.isLoopback else { return nil }
    return diagnosed(end) ?? listed(end)
  }

  /// Looks into the kernel's table.
  static func listed(_ end: SocketDiagnosis.Connection) -> UInt32? {
    let name = end.local.count == 16 ? "tcp6" : "tcp"
    let table = try? InputFile.text("/proc/self/net/\(name)", limit: 8 << 20)
    return table.flatMap { SocketTable.owner(of: end, in: $0) }
  }

  /// Asks the kernel.
  static func diagnosed(_ end: SocketDiagnosis.Connection) -> UInt32? {
    let netlink = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 4)
    guard netlink >= 0 else { return nil }
    defer { close(netlink) }
    // The kernel answers while it is asked; what does not come at once does not come.
    let question = SocketDiagnosis.question(end)
    guard send(netlink, question, question.count, 0) == question.count else { return nil }
    var answer = [UInt8](repeating: 0, count: 4096)
    let count = recv(netlink, &answer, answer.count, Int32(MSG_DONTWAIT))
    guard count > 0 else { return nil }
    return SocketDiagnosis.owner(in: Array(answer.prefix(count)), of: end)
  }
}
