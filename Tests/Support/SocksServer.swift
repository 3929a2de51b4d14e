import Foundation
import Glibc
import Synchronization

/// A SOCKS proxy that notes what it is asked for, and answers every request by itself: by SOCKS 5 it wants
/// a name and a password, by SOCKS 4a nothing.
package final class SocksServer: Sendable {
  package let port: Int
  private let listener: Int32
  private let log = Mutex<[String]>([])

  /// - Parameters:
  ///   - answer: what the server behind it would send.
  ///   - reply: what it says of the way to that (RFC 1928, 6; of SOCKS 4a 91, in place of 90); 0: it is there.
  package init(answer: [UInt8], reply: UInt8 = 0) throws {
    let (listener, port) = try LoopbackListener.open()
    self.listener = listener
    self.port = port
    Thread.detachNewThread { [self] in
      while true {
        let socket = Glibc.accept(listener, nil, nil)
        guard socket >= 0 else { break }
        serve(socket, answer, reply)
        close(socket)
      }
      close(listener)
    }
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  /// `user:password`, then `host:port`, of each connection.
  package var asked: [String] { log.withLock { $0 } }

  private func serve(_ socket: Int32, _ answer: [UInt8], _ reply: UInt8) {
    guard let greeting = take(socket, 2) else { return }
    guard greeting[0] == 4 ? serve4(socket, reply) : serve5(socket, Int(greeting[1]), reply) else {
      return
    }
    _ = take(socket, 1)
    send(socket, answer)
    shutdown(socket, Int32(SHUT_WR))
    var rest = [UInt8](repeating: 0, count: 4096)
    while recv(socket, &rest, rest.count, 0) > 0 {}
  }

  /// True: the way is there.
  private func serve5(_ socket: Int32, _ methods: Int, _ reply: UInt8) -> Bool {
    _ = take(socket, methods)
    send(socket, [5, 2])
    guard let user = word(socket, after: 1), let password = word(socket, after: 0) else {
      return false
    }
    log.withLock { $0.append("\(user):\(password)") }
    send(socket, [1, 0])
    // Version, command, reserved, and 3: a name.
    guard let head = take(socket, 4), head[3] == 3, let host = word(socket, after: 0),
      let port = take(socket, 2)
    else { return false }
    note(host, port)
    send(socket, [5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
    return reply == 0
  }

  /// True: the way is there.
  private func serve4(_ socket: Int32, _ reply: UInt8) -> Bool {
    // Behind the port an address that is none, a user and a name.
    guard let port = take(socket, 2), take(socket, 4) != nil, line(socket) != nil,
      let host = line(socket)
    else { return false }
    note(host, port)
    send(socket, [0, reply == 0 ? 90 : reply, 0, 0, 0, 0, 0, 0])
    return reply == 0
  }

  private func note(_ host: String, _ port: [UInt8]) {
    log.withLock { $0.append("\(host):\(Int(port[0]) << 8 | Int(port[1]))") }
  }

  /// What stands before the next zero.
  private func line(_ socket: Int32) -> String? {
    var bytes: [UInt8] = []
    while let byte = take(socket, 1)?.first {
      guard byte != 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
    return nil
  }

  /// A word with its length before it.
  private func word(_ socket: Int32, after skipped: Int) -> String? {
    guard let head = take(socket, skipped + 1), let length = head.last else { return nil }
    return take(socket, Int(length)).map { String(decoding: $0, as: UTF8.self) }
  }

  private func take(_ socket: Int32, _ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    guard count > 0 else { return bytes }
    return recv(socket, &bytes, count, Int32(MSG_WAITALL)) == count ? bytes : nil
  }

  private func send(_ socket: Int32, _ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes {
      Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
  }
}
