import Progress
import Registry
import Scheduling
import Tuning

/// Saying what is waited for, and ending where nothing will come.
extension PullLoop {
  /// One line for each wait of over a second that a server or the scheduler asks for.
  func sayIfWaiting(because reason: String) {
    guard failure == nil else { return }
    var until = scheduler.refusedUntil
    // Where others go on, that one place rests is nobody's concern.
    if scheduler.openRequests == 0, let due = scheduler.nextDue { until = max(until, due) }
    if let seconds = watch.wait(until: until, now: now) {
      let limit = LongWait.words(seconds, limit: scheduler.settings.maximumRetryAfter)
      display.show(.waiting(seconds: seconds, reason: reason + limit))
    }
  }

  /// Ends a pull for which nothing is under way, due or to come, with an error that says what is missing.
  func lookForEnd() {
    let look = PullWatch.Look(
      isBusy: scheduler.openRequests > 0 || !waiting.isEmpty || !queue.isEmpty || !verifier.isIdle,
      dueIn: scheduler.nextDue.map { $0 - now })
    guard unfinished > 0, failure == nil, watch.isOver(look, now: now) else { return }
    let missing = entries.filter { $0.shown.state != .done && $0.shown.state != .present }
    let names = missing.prefix(3).map { "\($0.shown.label) \($0.descriptor.digest.short)" }
    failure = .integrity(
      "nothing is under way any more, but \(names.joined(separator: ", ")) of \(name) is missing: "
        + (missing.lazy.compactMap(\.lastError).first?.message ?? "no server said why"))
  }
}
