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

  /// Calls `stop` at the first signal.
  func watch(_ stop: @escaping @Sendable () -> Void) {
    for number in [SIGINT, SIGTERM, SIGHUP] {
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
