import Transfer

/// Whether a transfer gets on, on a clock that stands still while this machine holds it up.
struct StallWatch {
  private let clock: NetworkClock
  private let settings: TransferSettings
  /// Seconds that are put up with before the answer's head came; nil: as many as afterwards.
  private let headTimeout: Double?
  private let startedAt: Double
  private var pausedAt: Double?
  private var pausedSeconds = 0.0
  private var rule: StallRule
  /// The last turn of the engine in which it was seen, and when that was first.
  private var turn = (number: 0, beganAt: 0.0)

  /// Seconds that a body may take which only explains something.
  private static let wordsSeconds = 5.0
  /// Times `--stall-timeout` that anything may take in all that is no blob: 120 s as a rule, in
  /// which a line of 300 kilobits a second brings the largest document that is taken.
  private static let mostPatience = 4.0

  /// Begins to watch.
  init(_ request: TransferRequest, _ settings: TransferSettings, _ clock: NetworkClock) {
    self.clock = clock
    self.settings = settings
    headTimeout = request.headTimeout
    startedAt = clock.now
    rule = Self.rule(headTimeout, for: nil, settings, now: clock.networkNow)
  }

  /// Whether the rate limit holds it up.
  var isPaused: Bool { pausedAt != nil }

  /// Seconds since it was begun.
  var age: Double { clock.now - startedAt }

  mutating func pause() { pausedAt = clock.now }

  /// - Returns: false where it was not paused.
  mutating func resume() -> Bool {
    guard let since = pausedAt else { return false }
    pausedSeconds += clock.now - since
    pausedAt = nil
    return true
  }

  /// Counts from here.
  ///
  /// - Parameter destination: of the body; nil before the head has come.
  mutating func restart(for destination: BodyDestination?) {
    let now = clock.networkNow - pausedSeconds
    if case .beginning(let limit) = destination {
      rule = StallRule(
        minimumRate: Double(limit) / Self.wordsSeconds, timeout: Self.wordsSeconds, now: now)
    } else {
      rule = Self.rule(headTimeout, for: destination, settings, now: now)
    }
  }

  /// Seconds since it was first asked this in a turn of the engine, without those of the disk.
  mutating func seconds(inTurn number: Int) -> Double {
    let now = clock.networkNow
    if turn.number != number { turn = (number, now) }
    return now - turn.beganAt
  }

  /// Takes a reading; call it a few times a second.
  ///
  /// - Parameter bytes: that came so far, of head and body.
  mutating func isStalled(bytes: Int64) -> Bool { isStalled(bytes: bytes, at: clock.networkNow) }

  /// Takes a reading of some moment of the network's clock.
  mutating func isStalled(bytes: Int64, at now: Double) -> Bool {
    rule.isStalled(bytes: bytes, now: now - pausedSeconds)
  }

  /// What to say of a transfer that has stalled.
  func error(hasHead: Bool) -> TransferError {
    let seconds = Int(exactly: rule.timeout.rounded()) ?? 0
    guard hasHead else {
      return TransferError(.stalled, "no answer came for \(seconds) s")
    }
    guard !rule.isTooLong else {
      let limit = Int(exactly: rule.limit.rounded()) ?? 0
      return TransferError(.stalled, "the answer had no end after \(limit) s")
    }
    return TransferError(
      .stalled,
      "less than \(Int(exactly: settings.minimumRate.rounded()) ?? .max) bytes/s arrived for \(seconds) s"
    )
  }

  /// A request may be allowed more seconds without progress for its head than for its body; only a
  /// blob's body may take as long as it likes.
  private static func rule(
    _ headTimeout: Double?, for destination: BodyDestination?, _ settings: TransferSettings,
    now: Double
  ) -> StallRule {
    let patience = (destination == nil ? headTimeout : nil) ?? settings.stallTimeout
    let isBlob = destination?.isFile ?? false
    return StallRule(
      minimumRate: settings.minimumRate, timeout: patience,
      limit: isBlob ? .infinity : max(patience, mostPatience * settings.stallTimeout), now: now)
  }
}
