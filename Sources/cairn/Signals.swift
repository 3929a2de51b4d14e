import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and SIGTERM: the first asks the pull to stop, the second ends the process at once.
final class Signals {
  /// The first signal that came, shared with the handlers.
  private final class First: Sendable {
    let number = Mutex<Int32?>(nil)

    /// Notes a signal; true for the first.
    func note(_ signal: Int32) -> Bool {
      number.withLock { first in
        defer { first = first ?? signal }
        return first == nil
      }
    }
  }

  private let received = First()
  private var sources: [any DispatchSourceSignal] = []

  /// The first signal that came.
  var first: Int32? { received.number.withLock { $0 } }

  /// True where whoever started us (`nohup`, a script's `&`) wants the signal to have no effect.
  private func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Calls `stop` at the first signal.
  func watch(_ stop: @escaping @Sendable () -> Void) {
    for number in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(number) {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [received] in
        if received.note(number) { stop() } else { _exit(128 + number) }
      }
      source.resume()
      sources.append(source)
    }
  }
}
