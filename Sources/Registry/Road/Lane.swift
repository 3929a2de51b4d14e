import Synchronization
import Transfer

/// One asking of one endpoint, as whoever asks sees it.
struct Lane: Sendable {
  /// Says that the head of the content is here.
  let answered: @Sendable () -> Void
  /// Counts the content as it comes.
  let meter = ByteMeter()
  /// Which server is asked now: the endpoint itself, or where it redirected to.
  var place = Whereabouts()
}

/// The server at which a request is.
final class Whereabouts: Sendable {
  private let current = Mutex<String?>(nil)

  /// Its name; nil: the request was not sent yet.
  var name: String? { current.withLock { $0 } }

  func isNow(_ name: String) { current.withLock { $0 = name } }
}
