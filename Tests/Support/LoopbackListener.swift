import Foundation
import Glibc

/// A listening socket on a free port of loopback.
///
/// The kernel takes a port that it chose itself back from a socket that listens no more, and gives it
/// to the next server: who is gone would seem to answer. A port that was named stays taken.
package enum LoopbackListener {
  /// Times that somebody else may take the port before it is named.
  private static let tries = 100

  /// - Parameter queue: connections that wait until they are taken, besides one; where they are so many, others
  ///   get no answer.
  package static func open(queue: Int32 = 256) throws -> (socket: Int32, port: Int) {
    for _ in 0..<tries {
      guard let chosen = bound(to: 0) else { break }
      close(chosen.socket)
      guard let named = bound(to: chosen.port) else { continue }
      if listen(named.socket, queue) == 0 { return (named.socket, Int(named.port)) }
      close(named.socket)
    }
    throw POSIXError(.EADDRINUSE)
  }

  /// Begins to connect to a port of loopback, and does not wait for that.
  package static func call(_ port: Int) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let socket = Glibc.socket(AF_INET, kind, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    _ = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return socket
  }

  /// - Parameter port: 0: any.
  private static func bound(to port: UInt16) -> (socket: Int32, port: UInt16)? {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(socket, generic, length) == 0 && getsockname(socket, generic, &length) == 0
      }
    }
    guard isBound else {
      if socket >= 0 { close(socket) }
      return nil
    }
    return (socket, UInt16(bigEndian: address.sin_port))
  }
}
