/// What a pull may not exceed because somebody said so, before any network is asked.
package struct PullLimits: Sendable, Equatable, Codable {
  /// Who says how many workers there may be.
  package enum Origin: String, Sendable, Equatable, Codable {
    /// Nobody: it is the default.
    case standard
    /// The user, by `--max-workers`.
    case user
    /// The user, who fixed the number by `--workers`.
    case fixed
    /// The limit on open files.
    case openFiles
  }

  /// Bytes per second that the user allows; nil: as many as come.
  package var bytesPerSecond: Double?
  /// Most workers.
  package var workers: Int
  /// Who says so.
  package var origin: Origin

  /// Makes limits; without arguments, those of a pull without options.
  package init(bytesPerSecond: Double? = nil, workers: Int = 64, origin: Origin = .standard) {
    self.bytesPerSecond = bytesPerSecond
    self.workers = workers
    self.origin = origin
  }
}
