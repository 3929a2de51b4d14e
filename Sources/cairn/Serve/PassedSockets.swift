import Glibc

/// Sockets that systemd listens on and hands to the service that it starts.
///
/// - Source: sd_listen_fds(3).
enum PassedSockets {
  private static let first: Int32 = 3
  private static let most: Int32 = 16

  /// Takes them over: programs that are started from here do not get them.
  ///
  /// - Parameter environment: the process's own.
  static func take(_ environment: [String: String]) -> [Int32] {
    guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
      let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), (1...most).contains(count)
    else { return [] }
    return (first..<first + count).filter { socket in
      var value: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      guard getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0, value != 0 else {
        return false
      }
      return fcntl(socket, F_SETFD, FD_CLOEXEC) == 0
    }
  }
}
