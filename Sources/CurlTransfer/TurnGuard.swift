internal import CCurl
import Dispatch
import Glibc
import Synchronization
import Threads

/// Ends the connection that keeps the engine's thread from all others.
///
/// libcurl reads on as long as there is something to read: frames of HTTP/2 that bring nothing may come
/// without a pause, and it comes back to nobody, asks nothing and looks at no time limit meanwhile. So
/// another thread looks how much of the CPU one turn of the engine has taken. Waiting does not count, for a
/// CPU or a disk.
///
/// `@unchecked Sendable` invariant: `sockets` lives until `stop` has returned, and is used under the lock.
final class TurnGuard: @unchecked Sendable {
  private struct State {
    /// The thread's clock; nil: there is none, or it has ended.
    var clock: clockid_t?
    var turn = 0
    var isInTurn = false
    var isAsleep = false
    var isStopped = false
    /// A turn that was still going on when it was looked at, and the CPU seconds of the thread by then.
    var seen: (turn: Int, seconds: Double)?
  }

  private let sockets: OpaquePointer
  private let state = Mutex(State())
  private let wake = DispatchSemaphore(value: 0)

  /// CPU seconds that a turn may take once it was seen: all that 64 connections have for us takes a tenth.
  private static let longest = 1.0
  /// Seconds between two looks.
  private static let pause = 0.5

  /// - Parameter sockets: of all connections of the loop.
  init(sockets: OpaquePointer) { self.sockets = sockets }

  /// Begins to watch the thread that calls it.
  func watchThisThread() {
    var clock = clockid_t()
    guard pthread_getcpuclockid(pthread_self(), &clock) == 0 else { return }
    state.withLock { $0.clock = clock }
    // Without a thread to spare nobody watches, and all else goes on.
    _ = DedicatedThread.start(name: "cairn-guard") { [self] in run() }
  }

  /// Told by the engine's thread that libcurl has it from now on.
  func turnBegins() {
    let isAsleep = state.withLock { state in
      state.turn += 1
      state.isInTurn = true
      defer { state.isAsleep = false }
      return state.isAsleep
    }
    if isAsleep { wake.signal() }
  }

  /// Told that libcurl came back.
  func turnEnds() { state.withLock { $0.isInTurn = false } }

  /// Told at the thread's end; the sockets are not looked at any more.
  func stop() {
    state.withLock {
      $0.isStopped = true
      $0.clock = nil
    }
    wake.signal()
  }

  private func run() {
    while true {
      // Who has nothing to watch sleeps until there is something.
      let sleeps = state.withLock {
        $0.isAsleep = !$0.isInTurn
        return $0.isAsleep && !$0.isStopped
      }
      if sleeps { wake.wait() }
      guard !state.withLock({ $0.isStopped }) else { return }
      usleep(useconds_t(Self.pause * 1e6))
      state.withLock { look(&$0) }
    }
  }

  private func look(_ state: inout State) {
    guard state.isInTurn, let seconds = state.clock.flatMap(Self.seconds) else { return }
    guard let seen = state.seen, seen.turn == state.turn else {
      cairn_sockets_mark(sockets)
      state.seen = (state.turn, seconds)
      return
    }
    guard seconds - seen.seconds > Self.longest else { return }
    cairn_sockets_end_busiest(sockets)
    state.seen = nil
  }

  private static func seconds(of clock: clockid_t) -> Double? {
    var time = timespec()
    guard clock_gettime(clock, &time) == 0 else { return nil }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
