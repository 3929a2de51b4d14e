import Registry
import Scheduling
import Tuning

/// Saying what is waited for, and ending where nothing will come.
extension PathPool {
  /// One line for each wait of over a second that a server or the scheduler asks for.
  func sayIfWaiting(because reason: String) {
    guard failedDownloads.isEmpty else { return }
    var until = scheduler.refusedUntil
    // Where others go on, that one place rests is nobody's concern.
    if scheduler.openRequests == 0, let due = scheduler.nextDue { until = max(until, due) }
    if let seconds = watch.wait(until: until, now: now) {
      let limit = LongWait.words(seconds, limit: scheduler.settings.maximumRetryAfter)
      around.tell(.waiting(seconds: seconds, reason: reason + limit))
    }
  }

  /// Ends downloads for which nothing is under way, due or to come, with an error that says what is missing.
  ///
  /// - Parameter isElsewhereBusy: whether something is under way that this path does not see: a
  ///   check, another process.
  func lookForEnd(isElsewhereBusy: Bool) {
    let look = PathWatch.Look(
      isBusy: scheduler.openRequests > 0 || isElsewhereBusy,
      dueIn: scheduler.nextDue.map { $0 - now })
    guard !wanted.isEmpty, failedDownloads.isEmpty, watch.isOver(look, now: now) else { return }
    let missing = wanted.values.sorted { $0.id < $1.id }
    for (owner, group) in Dictionary(grouping: missing, by: \.wish.owner) {
      let names = group.prefix(3).map(\.label).joined(separator: ", ")
      let why = group.lazy.compactMap(\.lastError).first?.message ?? "no server said why"
      for download in group {
        fail(
          download,
          .integrity(
            "nothing is under way any more, but \(names) of \(owner) is missing: \(why)"))
      }
    }
  }
}
