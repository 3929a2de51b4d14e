import OCI
import Transfer

/// Looking how fast answers come, and leaving the work to whoever is faster by far.
extension FailoverRunner.Race {
  /// The indices of those whose content comes.
  private var answering: [Int] {
    running.filter { $0.value.answeredAt != nil }.keys.sorted()
  }

  /// Looks at an answer now and then from its head on, as long as somebody else might be faster.
  func watchPace(of index: Int) {
    guard runner.hedges, let one = running[index], one.answeredAt != nil else { return }
    let (time, inbox, ask) = (runner.time, inbox, one.ask)
    let isAlone = answering == [index]
    let span = runner.ledger.isSlow(candidates[index]) ? Pace.shortSpan : Pace.span
    one.timer.cancel()
    running[index]?.span = span
    running[index]?.timer = Task {
      var wait = isAlone ? span : Pace.look.compared
      while (try? await time.limit(wait)) != nil, !Task.isCancelled {
        inbox.yield(.look(ask, seconds: wait))
        wait = isAlone ? Pace.look.alone : Pace.look.compared
      }
    }
    let now = now
    if isAlone { running[index]?.mark = (now, 0) }
  }

  /// One look at an answer that comes.
  func look(at index: Int, after seconds: Double) {
    if answering.count > 1 { compare() }
    guard var one = running[index] else { return }
    one.looked += seconds
    if one.looked >= one.span {
      let bytes = one.lane.meter.bytes
      let pace = Pace(bytes: bytes.subtractingClamped(one.mark.bytes), seconds: one.looked)
      (one.looked, one.span) = (0, Pace.span)
      one.before = pace
      if answering == [index] { one.mark = (now, bytes) }
      running[index] = one
      if pace.isSlow, failover.othersAreLeft, mayLookElsewhere(than: index) {
        askBeside(index)
      } else if answering.count > 1, answering.allSatisfy({ hasHadItsTime($0) }) {
        settle()
      }
    } else {
      running[index] = one
    }
  }

  private func mayLookElsewhere(than index: Int) -> Bool {
    let endpoint = candidates[index]
    if runner.ledger.isOutrun(endpoint) || compared.contains(index) { return true }
    guard runner.ledger.mayCompare(endpoint, now: now) else { return false }
    compared.insert(index)
    return true
  }

  /// Asks the next one, and measures those that answer from now on.
  private func askBeside(_ index: Int) {
    let now = now
    for other in answering {
      let bytes = running[other]?.lane.meter.bytes ?? 0
      running[other]?.mark = (now, bytes)
    }
    perform(failover.slow(index))
  }

  private func hasHadItsTime(_ index: Int) -> Bool {
    running[index]?.answeredAt.map { now - $0 >= Pace.span } ?? false
  }

  /// How fast one of them was since the comparison began.
  private func pace(_ index: Int, isWhole: Bool = false) -> Pace? {
    guard let one = running[index] else { return nil }
    return Pace(
      bytes: one.lane.meter.bytes.subtractingClamped(one.mark.bytes),
      seconds: now - one.mark.seconds, isWhole: isWhole)
  }

  /// The best that can be said of one that may be too slow: content may come in bursts.
  private func bestPace(_ index: Int) -> Pace? {
    [pace(index), running[index]?.before].compactMap(\.self).max { $0.rate < $1.rate }
  }

  /// Whether it had its time: whoever was asked later is judged later.
  private func mayBeJudged(_ index: Int, beside other: Int) -> Bool {
    guard let one = running[index], let another = running[other] else { return false }
    return one.ask.number < another.ask.number || hasHadItsTime(index)
  }

  /// Keeps how fast an answer was that is over, where it took long enough to say.
  func notePace(of one: Running, at index: Int) {
    guard let begin = one.answeredAt, now - begin >= Pace.shortSpan else { return }
    let pace = Pace(bytes: one.lane.meter.bytes, seconds: now - begin)
    runner.ledger.notePace(candidates[index], isSlow: pace.isSlow)
  }

  /// Lets those go that are slower by far than another one.
  private func compare() {
    let known = answering.filter { runner.ledger.isOutrun(candidates[$0]) }
    if known.count < answering.count {
      for index in known { perform(failover.passed(index)) }
    }
    for index in answering {
      for other in answering where other != index { judge(index, beside: other) }
    }
  }

  /// What one brought before it ended may show it, too.
  func compareAtEnd(with winner: Int) {
    for index in answering where index != winner {
      judge(index, beside: winner, isWhole: true)
    }
  }

  private func judge(_ index: Int, beside other: Int, isWhole: Bool = false) {
    guard mayBeJudged(index, beside: other), let slow = bestPace(index),
      let fast = pace(other, isWhole: isWhole), slow.isOutrun(by: fast)
    else { return }
    perform(failover.passed(index))
    let (slower, faster) = (candidates[index], candidates[other])
    guard runner.ledger.outrun(slower, by: faster), isMirror(index) else { return }
    giveUp(index, "it brings \(slow.words), and \(faster.origin.authority) \(fast.words)")
  }

  /// Nobody was faster by far: the best one of those that answer goes on alone.
  private func settle() {
    let best = answering.max { pace($0)?.rate ?? 0 < pace($1)?.rate ?? 0 }
    guard let best else { return }
    for index in answering where index != best { perform(failover.passed(index)) }
    failover.settled(best)
    for index in compared { runner.ledger.compared(candidates[index], at: now) }
    compared = []
    watchPace(of: best)
  }
}
