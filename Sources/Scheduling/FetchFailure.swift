/// Why a request failed, as far as retrying is concerned.
package enum FetchFailure: Sendable, Equatable {
  /// A retry can help.
  case transient
  /// Nothing, or next to nothing, came for the whole time limit: a retry can help, but costs as much again.
  case stalled
  /// Nobody is there, and nobody was in this run: no such name, or every connection refused.
  case absent
  /// The server refused for load, whatever status it has for that; `retryAfter` in seconds where it said.
  case refused(retryAfter: Double?)
  /// The server failed (5xx), which a retry can help; where it does so again and again it is overloaded.
  case serverError
  /// The server does not serve this range (416): ask for the whole blob.
  case rangeRefused
  /// The answer contradicts the manifest: somebody on the way may have made it, so it is asked for a
  /// few times more.
  case doubtful
  /// The server denies what was allowed before: so may somebody on the way, and a server that is asked
  /// for too much at a time.
  case denied
  /// No retry can help.
  case fatal

  /// Whether it is believed once it was said a few times in a row.
  var isDoubt: Bool { self == .doubtful || self == .denied }

  /// Whether the server was asked too much, not for the wrong thing.
  var isRefusal: Bool {
    if case .refused = self { true } else { false }
  }
}
