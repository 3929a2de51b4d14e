import Glibc
import Transfer

/// Asks the kernel who owns a TCP socket of this machine: `sock_diag(7)`, as bytes.
///
/// The kernel's headers are not Swift's, so the messages are put together and taken apart here.
enum SocketDiagnosis {
  /// A TCP connection, as the socket sees it whose owner is asked for.
  struct Connection: Equatable, Sendable {
    /// 4 or 16 bytes, and both of the same length.
    var local: [UInt8]
    var localPort: UInt16
    var remote: [UInt8]
    var remotePort: UInt16

    /// The same connection, seen from the other end.
    var reversed: Connection {
      Connection(
        local: remote, localPort: remotePort, remote: local, remotePort: localPort)
    }

    /// Whether it never leaves this machine: both ends are loopback addresses.
    var isLoopback: Bool {
      [local, remote].allSatisfy { HostAddress(bytes: $0)?.isLoopback ?? false }
    }
  }

  /// Bytes of a message's head, of the question behind it and of its answer.
  private static let (headLength, questionLength, answerLength) = (16, 56, 72)
  /// `SOCK_DIAG_BY_FAMILY` and `NLMSG_ERROR`.
  private static let (byFamily, failure): (UInt16, UInt16) = (20, 2)
  /// `TCP_ESTABLISHED` and `TCP_CLOSE_WAIT`, whose sockets still have an owner.
  private static let states: Set<UInt8> = [1, 8]

  /// The question about one connection.
  static func question(_ connection: Connection) -> [UInt8] {
    let isVersion6 = connection.local.count == 16
    var bytes: [UInt8] = []
    append(UInt32(headLength + questionLength), to: &bytes)
    append(byFamily, to: &bytes)
    append(UInt16(1), to: &bytes)  // NLM_F_REQUEST
    append(UInt32(1), to: &bytes)
    append(UInt32(0), to: &bytes)
    bytes += [UInt8(isVersion6 ? AF_INET6 : AF_INET), UInt8(IPPROTO_TCP), 0, 0]
    append(UInt32.max, to: &bytes)
    bytes += [UInt8(connection.localPort >> 8), UInt8(connection.localPort & 0xFF)]
    bytes += [UInt8(connection.remotePort >> 8), UInt8(connection.remotePort & 0xFF)]
    for address in [connection.local, connection.remote] {
      bytes += address + [UInt8](repeating: 0, count: max(0, 16 - address.count))
    }
    append(UInt32(0), to: &bytes)
    // No cookie: any socket of these ends.
    append(UInt64.max, to: &bytes)
    return bytes
  }

  /// What the kernel says of a connection's socket.
  enum Answer: Equatable, Sendable {
    case owner(UInt32)
    /// It is not there, or not open.
    case nobody
    /// That is no answer.
    case noAnswer
  }

  /// Whether an answer tells of a socket, whichever.
  static func tells(of answer: [UInt8]) -> Bool {
    answer.count >= headLength + answerLength && number(answer, 4, as: UInt16.self) == byFamily
      && Int(number(answer, 0, as: UInt32.self)) >= headLength + answerLength
  }

  /// What an answer says of a connection.
  static func answer(in answer: [UInt8], of connection: Connection) -> Answer {
    if answer.count >= headLength + 4, number(answer, 4, as: UInt16.self) == failure {
      return number(answer, headLength, as: Int32.self) == -ENOENT ? .nobody : .noAnswer
    }
    guard tells(of: answer) else { return .noAnswer }
    return owner(in: answer, of: connection).map { .owner($0) } ?? .nobody
  }

  /// The owner that an answer names; nil: none, or another connection's.
  private static func owner(in answer: [UInt8], of connection: Connection) -> UInt32? {
    let body = Array(answer.dropFirst(headLength))
    let (local, remote) = (connection.local, connection.remote)
    guard states.contains(body[1]),
      body[4..<8].elementsEqual(question(connection)[(headLength + 8)..<(headLength + 12)]),
      body[8..<(8 + local.count)].elementsEqual(local),
      body[24..<(24 + remote.count)].elementsEqual(remote)
    else { return nil }
    return number(body, 64, as: UInt32.self)
  }

  private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value) { bytes += $0 }
  }

  private static func number<Number: FixedWidthInteger>(
    _ bytes: [UInt8], _ offset: Int, as: Number.Type
  ) -> Number {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
  }
}
