import Disk
import Dispatch
import Glibc
import Registry
import Synchronization

/// Ctrl-C, Ctrl-\, SIGTERM and SIGHUP: the first asks the command to stop, and ends the process after a
/// moment where it does not; the second ends it at once.
///
/// Handlers run on a thread of their own: neither a server's words nor a slow disk can keep them from it.
enum Signals {
  private struct State {
    var first: Int32?
    var stop: @Sendable () -> Void = {}
    /// What must not be left as it is, by number.
    var last: [Int: @Sendable () -> Void] = [:]
    var nextNumber = 0
    /// Seconds that a command has to stop by itself.
    var patience = 1.7
    /// What SIGHUP does in place of stopping.
    var reload: (@Sendable () -> Void)?
    /// Whether somebody is asked something, and nothing is under way that could stop.
    var isAsking = false
  }

  private static let state = Mutex(State())
  /// A serial queue has a thread whenever it needs one, however busy others are.
  private static let queue = DispatchQueue(label: "signals", qos: .userInteractive)
  /// What SIGHUP does reads files, and nobody who wants to stop waits for their disk.
  private static let reloading = DispatchQueue(label: "reload")

  /// The first signal that came.
  static var first: Int32? { state.withLock { $0.first } }

  /// Calls `stop` at the first signal.
  ///
  /// SIGQUIT is one of them: Swift's runtime has a handler for it, which lets it pass once, and the next one
  /// would leave a terminal without echo.
  static func watch(_ stop: @escaping @Sendable () -> Void) {
    state.withLock { $0.stop = stop }
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] where !isIgnored(number) {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      // Held by its own handler: it lives as long as the process.
      source.setEventHandler {
        // Those that came before this had its turn are one event, and were two requests nevertheless.
        withExtendedLifetime(source) { for _ in 0..<max(1, source.data) { came(number) } }
      }
      source.resume()
    }
  }

  /// Lets a service stop in its own time, and read its files anew at SIGHUP.
  ///
  /// A second signal still ends the process at once.
  ///
  /// - Parameters:
  ///   - patience: seconds that it has to stop by itself.
  ///   - reload: what SIGHUP does.
  static func serve(patience: Double, reload: @escaping @Sendable () -> Void) {
    state.withLock { ($0.patience, $0.reload) = (patience, reload) }
  }

  /// Does something in which a signal ends the process at once: a question that waits for an answer.
  ///
  /// - Parameters:
  ///   - restore: what is done before the process ends.
  ///   - body: asks.
  static func endingAtOnce<Value>(
    restore: @escaping @Sendable () -> Void = {}, _ body: () throws -> Value
  ) rethrows -> Value {
    let number = atForcedEnd(restore)
    let cameBefore = state.withLock { state in
      state.isAsking = true
      return state.first
    }
    if let cameBefore { queue.sync { end(cameBefore) } }
    defer {
      state.withLock {
        $0.isAsking = false
        $0.last[number] = nil
      }
    }
    return try body()
  }

  /// Has something done before the process ends by a signal, not by itself; quick and safe on any thread.
  ///
  /// - Returns: its number.
  @discardableResult
  static func atForcedEnd(_ action: @escaping @Sendable () -> Void) -> Int {
    state.withLock { state in
      state.nextNumber += 1
      state.last[state.nextNumber] = action
      return state.nextNumber
    }
  }

  /// Takes back an action: what it was for is over.
  static func withdraw(_ number: Int) { state.withLock { $0.last[number] = nil } }

  /// True where whoever started us (`nohup`, a script's `&`) wants the signal to have no effect.
  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  private static func came(_ number: Int32) {
    if number == SIGHUP, let reload = state.withLock({ $0.reload }) {
      reloading.async(execute: reload)
      return
    }
    let (isFirst, isAsking, stop, patience) = state.withLock { state in
      defer { state.first = state.first ?? number }
      return (state.first == nil, state.isAsking, state.stop, state.patience)
    }
    guard isFirst, !isAsking else { end(number) }
    stop()
    queue.asyncAfter(deadline: .now() + patience) { end(number) }
  }

  private static func end(_ number: Int32) -> Never {
    let last = state.withLock { $0.last }
    for action in last.values { action() }
    HelperProcesses.endAll()
    // What is half written goes, too, and where nobody will answer any more.
    Temporary.removeAll()
    LocalSocket.removeAll()
    _exit(128 + number)
  }
}
