/// What whoever shows downloads wants to know of them.
package enum DownloadEvent: Sendable {
  /// So many workers are allowed on a path from now on, for that reason.
  case pool(PathKey, workers: Int, reason: String)
  /// A blob changed its state.
  case blob(DownloadProgress)
  /// How everything stands; several a second.
  case overview(Overview)
  /// A blob arrived damaged, and what is done about it: words that follow its name.
  case damaged(Wish, origin: String, next: String)
  /// Another process brought less of a blob than the minimum rate for so many seconds: this one goes on
  /// with what it had.
  case takenOver(Wish, process: Int32?, seconds: Double)
  /// A server, or the scheduler, asks to wait for so many seconds, and why.
  case waiting(seconds: Double, reason: String)

  /// All downloads at one moment.
  package struct Overview: Sendable {
    /// Those under way.
    package var blobs: [DownloadProgress]
    /// Seconds since the first was wanted.
    package var seconds: Double
    /// Useful bytes per second of late.
    package var bytesPerSecond: Double
    /// Workers allowed, on all paths.
    package var poolSize: Int
    /// Requests in flight.
    package var open: Int
  }
}
