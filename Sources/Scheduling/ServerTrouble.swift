import Tuning

/// What went wrong at the server since it last sent a useful byte, whatever it was asked for.
struct ServerTrouble: Sendable, Equatable {
  /// Server errors (5xx) in a row.
  var errors = 0
  /// Refusals of requests that were made after the refusal before: a burst counts once.
  var rounds = 0
  /// When the last round was counted.
  var countedAt: Moment?
  /// Time limits that passed one after the other without progress of anything.
  var stalls = 0
  /// When the last one was counted.
  var stalledAt: Moment?
  /// Connections that ended before an answer: bytes of others do not end that.
  var hangUps = HangUps()
  /// What is denied beside others is asked for alone: bytes of others do not end that.
  var denials = Denials()

  /// What is left of it where bytes came.
  var afterProgress: ServerTrouble {
    var trouble = ServerTrouble()
    trouble.hangUps = hangUps
    trouble.denials = denials
    return trouble
  }

  /// Counts a stall, unless its request was on its way already when the one before was counted.
  mutating func countStall(of request: RequestState, at now: Moment) {
    if let stalledAt, request.startedAt < stalledAt { return }
    stalls += 1
    stalledAt = now
  }
}
