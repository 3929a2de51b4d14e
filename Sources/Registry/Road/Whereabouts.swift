import Synchronization

/// The server at which a request is.
final class Whereabouts: Sendable {
  private let current = Mutex<String?>(nil)

  /// Its name; nil: the request was not sent yet.
  var name: String? { current.withLock { $0 } }

  func move(to name: String) { current.withLock { $0 = name } }
}
