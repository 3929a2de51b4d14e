import Synchronization

/// Whom a request waits for.
final class Whereabouts: Sendable {
  /// That of the request that is being made.
  @TaskLocal static var current: Whereabouts?

  private struct State {
    var name: String?
    var proxy: String?
    var isAway = false
  }

  private let state = Mutex(State())

  /// The server that is asked; nil: the request was not sent yet.
  var name: String? { state.withLock { $0.name } }

  /// The proxy that it is asked through; nil: none.
  var proxy: String? { state.withLock { $0.proxy } }

  /// Whether a helper or a token service is waited for, which is none of the server's doing.
  var isAway: Bool { state.withLock { $0.isAway } }

  /// A server is asked, through a proxy or straight.
  func move(to name: String, through proxy: String?) {
    state.withLock { $0 = State(name: name, proxy: proxy) }
  }

  /// Somebody else is asked first.
  func leave() { state.withLock { $0.isAway = true } }
}
