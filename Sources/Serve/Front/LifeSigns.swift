import Glibc
import NIOCore

/// Has the kernel ask a caller now and then whether it is there, while nothing is sent to it.
///
/// Whoever has gone in the middle of an answer that waits for upstream is noticed by this alone: also where
/// his machine or the network is gone, of which no word comes at all. Who waits on a connection
/// answers without knowing of it.
enum LifeSigns {
  /// Seconds of silence before it is asked.
  private static let silence: Int = 10
  /// Seconds between questions.
  private static let pause: Int = 5
  /// Questions without an answer after which nobody is there.
  private static let questions: Int = 3

  /// Has it asked over a connection; call it on the connection's own loop.
  static func ask(of channel: any Channel) throws {
    let options: [(NIOBSDSocket.OptionLevel, CInt, Int)] = [
      (.socket, SO_KEEPALIVE, 1), (.tcp, TCP_KEEPIDLE, silence), (.tcp, TCP_KEEPINTVL, pause),
      (.tcp, TCP_KEEPCNT, questions),
    ]
    for (level, name, value) in options {
      try channel.syncOptions?.setOption(
        ChannelOptions.Types.SocketOption(level: level, name: .init(rawValue: name)), value: value)
    }
  }
}
