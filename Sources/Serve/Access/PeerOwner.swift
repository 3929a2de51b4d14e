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
    switch diagnosed(end) {
    case .owner(let user): return user
    case .nobody: return nil
    case .noAnswer: return listed(end)
    }
  }

  /// Looks into the kernel's table.
  static func listed(_ end: SocketDiagnosis.Connection) -> UInt32? {
    let name = end.local.count == 16 ? "tcp6" : "tcp"
    let table = try? InputFile.text("/proc/self/net/\(name)", limit: 8 << 20)
    return table.flatMap { SocketTable.owner(of: end, in: $0) }
  }

  /// Asks the kernel; that there is no such socket, any more, is an answer where it tells of those that are.
  static func diagnosed(_ end: SocketDiagnosis.Connection) -> SocketDiagnosis.Answer {
    switch ask(end) {
    case .nobody: tellsOfSockets ? .nobody : .noAnswer
    case let answer: answer
    }
  }

  /// Whether the kernel tells of sockets.
  ///
  /// Without its part that knows those of TCP, it says of each that there is none. One that waits for
  /// connections is asked about, once.
  private static let tellsOfSockets: Bool = {
    let waiting = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard waiting >= 0 else { return false }
    defer { close(waiting) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isWaiting = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(waiting, $0, length) == 0 && listen(waiting, 1) == 0
          && getsockname(waiting, $0, &length) == 0
      }
    }
    guard isWaiting else { return false }
    let end = SocketDiagnosis.Connection(
      local: [127, 0, 0, 1], localPort: UInt16(bigEndian: address.sin_port),
      remote: [0, 0, 0, 0], remotePort: 0)
    return exchange(end).map { SocketDiagnosis.tells(of: $0) } ?? false
  }()

  private static func ask(_ end: SocketDiagnosis.Connection) -> SocketDiagnosis.Answer {
    exchange(end).map { SocketDiagnosis.answer(in: $0, of: end) } ?? .noAnswer
  }

  /// The kernel's answer to a question; nil: there is none.
  private static func exchange(_ end: SocketDiagnosis.Connection) -> [UInt8]? {
    let netlink = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 4)
    guard netlink >= 0 else { return nil }
    defer { close(netlink) }
    // The kernel answers while it is asked; what does not come at once does not come.
    let question = SocketDiagnosis.question(end)
    guard send(netlink, question, question.count, 0) == question.count else { return nil }
    var answer = [UInt8](repeating: 0, count: 4096)
    let count = recv(netlink, &answer, answer.count, Int32(MSG_DONTWAIT))
    guard count > 0 else { return nil }
    return Array(answer.prefix(count))
  }
}
