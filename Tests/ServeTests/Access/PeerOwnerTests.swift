import Foundation
import Support
import Testing

@testable import Serve

@Suite("The owner of a connection's other end")
struct PeerOwnerTests {
  static let connection = SocketDiagnosis.Connection(
    local: [127, 0, 0, 1], localPort: 0x1F90, remote: [127, 0, 0, 2], remotePort: 0x1421)

  @Test("a question is 72 bytes, and names both ends")
  func asks() {
    let bytes = SocketDiagnosis.question(Self.connection)
    #expect(bytes.count == 72 && bytes[0] == 72)
    #expect(bytes[16] == 2 && bytes[17] == 6)
    #expect(Array(bytes[24..<28]) == [0x1F, 0x90, 0x14, 0x21])
    #expect(Array(bytes[28..<32]) == [127, 0, 0, 1] && Array(bytes[44..<48]) == [127, 0, 0, 2])
  }

  /// An answer of the kernel's to that question.
  static func answer(user: UInt32, state: UInt8 = 1, port: UInt8 = 0x90) -> [UInt8] {
    var bytes: [UInt8] = [88, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    bytes += [2, state, 0, 0, 0x1F, port, 0x14, 0x21]
    bytes += [127, 0, 0, 1] + [UInt8](repeating: 0, count: 12)
    bytes += [127, 0, 0, 2] + [UInt8](repeating: 0, count: 12)
    bytes += [UInt8](repeating: 0, count: 4 + 8 + 12)
    withUnsafeBytes(of: user.littleEndian) { bytes += $0 }
    return bytes + [1, 0, 0, 0]
  }

  @Test("an answer names the owner, if it is of that very connection and it is open")
  func understands() {
    func said(_ bytes: [UInt8]) -> SocketDiagnosis.Answer {
      SocketDiagnosis.answer(in: bytes, of: Self.connection)
    }
    #expect(said(Self.answer(user: 1234)) == .owner(1234))
    #expect(said(Self.answer(user: 1234, state: 8)) == .owner(1234))
    #expect(said(Self.answer(user: 0, state: 6)) == .nobody, "one that waits has no owner")
    #expect(said(Self.answer(user: 1234, port: 0x91)) == .nobody)
    for length in 0..<88 { #expect(said(Array(Self.answer(user: 1).prefix(length))) == .noAnswer) }
    // That there is none is an answer, and any other failure is none.
    for (code, answer) in [(ENOENT, SocketDiagnosis.Answer.nobody), (EOPNOTSUPP, .noAnswer)] {
      var bytes: [UInt8] = [36, 0, 0, 0, 2, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
      withUnsafeBytes(of: -code) { bytes += $0 }
      #expect(said(bytes + [UInt8](repeating: 0, count: 16)) == answer)
    }
  }

  @Test("a connection that is not there any more is nobody's, by the kernel's first word")
  func isGone() {
    // Both ends have the same port of this machine, and nobody listens at it.
    let end = SocketDiagnosis.Connection(
      local: [127, 0, 0, 1], localPort: 1, remote: [127, 0, 0, 1], remotePort: 1)
    #expect(PeerOwner.diagnosed(end) == .nobody && PeerOwner.user(at: end) == nil)
    #expect(PeerOwner.listed(end) == nil)
  }

  @Test("the kernel's table says the same, in its own spelling")
  func reads() {
    let table = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  7777        0 1 1
         1: 0100007F:1F90 0200007F:1421 01 00000000:00000000 00:00000000 00000000  1234        0 2 1
      """
    #expect(SocketTable.owner(of: Self.connection, in: table) == 1234)
    #expect(SocketTable.owner(of: Self.connection.reversed, in: table) == nil)
    #expect(
      SocketTable.owner(of: Self.connection, in: table.replacing(" 01 ", with: " 06 ")) == nil)
    for text in ["", "\n", "x\n1 2 3", "h\n 1: a b 01 c d e f g"] {
      #expect(SocketTable.owner(of: Self.connection, in: text) == nil)
    }
    let table6 = """
      head
       0: 00000000000000000000000001000000:0050 00000000000000000000000001000000:C350 01 0:0 00:0 0 55 0 1
      """
    let loopback = [UInt8](repeating: 0, count: 15) + [1]
    let version6 = SocketDiagnosis.Connection(
      local: loopback, localPort: 80, remote: loopback, remotePort: 50_000)
    #expect(SocketTable.owner(of: version6, in: table6) == 55)
  }

  @Test("a connection over loopback is this user's, by the kernel and by its table")
  func asksTheKernel() throws {
    let server = try RawServer { _ in .ok("") }
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(client) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(server.port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var own = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, length) == 0 }
    }
    try #require(isConnected)
    withUnsafeMutablePointer(to: &own) { pointer in
      _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(client, $0, &length)
      }
    }
    // As the server sees it.
    let peer = Caller.Peer.network(
      address: "127.0.0.1", port: Int(UInt16(bigEndian: own.sin_port)), own: "127.0.0.1",
      ownPort: server.port)
    #expect(peer.isGuarded && peer.user == geteuid())
    let end = SocketDiagnosis.Connection(
      local: [127, 0, 0, 1], localPort: UInt16(bigEndian: own.sin_port), remote: [127, 0, 0, 1],
      remotePort: UInt16(server.port))
    #expect(PeerOwner.diagnosed(end) == .owner(geteuid()) && PeerOwner.listed(end) == geteuid())
  }

  @Test(
    "only a connection that never leaves this machine is guarded",
    arguments: [
      ("127.0.0.1", "127.0.0.1", true), ("::1", "::1", true),
      ("::ffff:127.0.0.1", "::ffff:127.0.0.1", true), ("10.0.0.2", "10.0.0.1", false),
      ("10.0.0.1", "10.0.0.1", false), ("::1", "127.0.0.1", false), ("x", "127.0.0.1", false),
      ("fe80::1%eth0", "fe80::2%eth0", false),
    ])
  func guarded(address: String, own: String, isGuarded: Bool) {
    let peer = Caller.Peer.network(address: address, port: 4000, own: own, ownPort: 5151)
    #expect(peer.isGuarded == isGuarded)
    if !isGuarded { #expect(peer.user == nil) }
  }
}
