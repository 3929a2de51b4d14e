/// Trial: throughput at the other size says whether a belief was right.
enum TrialRule {
  /// Looking begins after this part of the time that throughput needs, and lasts until this.
  static let skipped = 0.7
  static let looked = 1.5
  /// A gain of this, or of this share of a proportional one, is worth more workers.
  static let leastGain = 0.03
  static let gainShare = 0.4
  /// A loss of this by more workers is harm.
  static let loss = 0.1
  /// Fewer workers that bring less than this part were too few.
  static let tooFew = 0.975
  /// Fewer must not bring less than this part of the highest rate of late either: small losses add up.
  static let nearPeak = 0.96
  /// Seconds until fewer are tried again between a size that hurts and one that was too small.
  static let harmPatience = 30.0
  /// Below this part that is certain at once; else those that stayed have so many seconds to take over
  /// what the others left.
  static let clear = 0.8
  static let patience = 1.0
  static let extended = 3.0
  /// Fewer workers that bring this much more: the others did harm.
  static let faster = 1.05
  /// A rate that falls by more than this share of the workers sent home falls in proportion: it
  /// goes to others while a queue stands, else it was these workers' own.
  static let lostShare = 0.5
}

extension ClimbPolicy {
  mutating func judge(_ trial: Trial, _ view: PathView) {
    let window = view.judgingSeconds
    let end = max(TrialRule.extended * window, TrialRule.patience)
    guard view.since >= (trial.isExtended ? end : TrialRule.looked * window),
      let rate = view.rates.rate(
        since: trial.isExtended ? view.now - end / 2 : view.landedAt + TrialRule.skipped * window)
    else { return }
    if case .others = trial.belief {
      judgeShare(trial, rate: rate, view)
    } else if pool.size > trial.from.poolSize {
      judgeMore(trial, rate: rate, view)
    } else {
      judgeFewer(trial, rate: rate, view)
    }
  }

  /// Rejects fewer workers before the last of the others has gone, where even with those the rate has
  /// fallen by more than in proportion: the path has changed, and they may take seconds to go.
  mutating func giveUpEarly(_ view: PathView) {
    guard case .trying(let trial) = phase, trial.from.poolSize > pool.size, trial.expectsAsMuch
    else { return }
    let window = view.judgingSeconds
    guard view.since >= max(TrialRule.looked * window, TrialRule.patience),
      let rate = view.rates.rate(since: view.now - window),
      rate < trial.from.each * Double(pool.size)
    else { return }
    reject(trial, rate: rate, view)
  }

  private mutating func judgeMore(_ trial: Trial, rate: Double, _ view: PathView) {
    let from = trial.from
    let here = Level(poolSize: pool.size, rate: rate)
    let full = view.fullness(since: view.landedAt)
    let gain = rate / from.rate - 1
    let growth = Double(pool.size) / Double(from.poolSize) - 1
    let percent = whole(100 * gain)
    let isGaining = gain >= max(TrialRule.leastGain, TrialRule.gainShare * growth)
    if let full, trial.isFromRoom || gain >= TrialRule.leastGain {
      limit = full
      climb.isProportional = climb.isProportional && isGaining
      hold(here, view.now, because: .trialFilled(from: from.poolSize, to: pool.size, full))
    } else if isGaining {
      let why = Reason.trialGained(from: from.poolSize, to: pool.size, percent: percent)
      proposals.patience = MoreRule.shortPatience
      if bounds.wasHarmful {
        proposals.growBolder()
        // What gained says that fewer were too few.
        bounds.keep(
          pool.size, tooFew: from.poolSize, now: view.now, patience: TrialRule.harmPatience)
        hold(here, view.now, because: why)
      } else {
        climb.levels = [from]
        climb.isFlat = false
        enter(.growing, because: why)
      }
    } else if full == nil, gain < -TrialRule.loss {
      limit = .overload
      bounds.forbid(from: pool.size, now: view.now)
      proposals.waitLonger()
      climb.isFlat = true
      hold(from, view.now, because: .trialHurt(pool.size, percent: percent))
    } else {
      proposals.waitLonger()
      climb.isFlat = true
      climb.isProportional = false
      hold(from, view.now, because: .trialInVain(pool.size, percent: percent))
    }
  }

  private mutating func judgeFewer(_ trial: Trial, rate: Double, _ view: PathView) {
    let (from, here) = (trial.from, Level(poolSize: pool.size, rate: rate))
    let part = rate / from.rate
    let isBorneOut: Bool
    if case .harm = trial.belief {
      isBorneOut = part >= TrialRule.faster
    } else {
      isBorneOut = part >= TrialRule.tooFew && rate >= TrialRule.nearPeak * climb.peak
    }
    guard isBorneOut else {
      // Those that stayed may still be taking over what the others left.
      if part <= TrialRule.clear || !looksAgain(trial) { reject(trial, rate: rate, view) }
      return
    }
    guard part > TrialRule.faster, trial.isOfHarm, view.fullness(since: view.landedAt) == nil else {
      // A pool too large costs little, and one too small much: chance must be kind twice.
      if !looksAgain(trial) { accept(here, view, because: .fewerWillDo) }
      return
    }
    limit = .overload
    bounds.forbid(from: from.poolSize, now: view.now)
    accept(here, view, because: .harmed(from.poolSize, percent: whole(100 * (1 - 1 / part))))
    proposals.fewerAt = view.now
  }

  /// Puts off a judgement once; false where that was done: who looks until it suits him finds what he wants.
  mutating func looksAgain(_ trial: Trial) -> Bool {
    guard !trial.isExtended else { return false }
    var trial = trial
    trial.isExtended = true
    phase = .trying(trial)
    return true
  }

  /// Fewer workers were too few: what that means depends on what was believed.
  private mutating func reject(_ trial: Trial, rate: Double, _ view: PathView) {
    let from = trial.from
    // What rejected the trial says how much was lost: the best of late, not a moment that began slowly.
    let most = max(from.rate, climb.peak)
    let part = rate / most
    if case .harm = trial.belief {
      withdrawHarm(rate: rate, view.now)
      return
    }
    let sent = 1 - Double(pool.size) / Double(from.poolSize)
    let isProportional = part < 1 - TrialRule.lostShare * sent
    if case .full(.line) = trial.belief, isProportional, isStillFull(view) {
      let isSmall = from.poolSize <= min(bounds.ceiling, ShareRule.size)
      tryShare(isSmall ? Level(poolSize: pool.size, rate: rate) : from, view.now)
      return
    }
    if isProportional {
      climb.isProportional = true
      proposals.patience = MoreRule.shortPatience
    }
    bounds.keep(
      from.poolSize, tooFew: pool.size, now: view.now,
      patience: bounds.wasHarmful ? TrialRule.harmPatience : nil)
    proposals.fewerAt = view.now
    hold(from, view.now, because: .tooFew(pool.size, percent: whole(100 * (1 - part))))
  }

  /// Whether a queue stood all the time: the line is full then, whoever sends.
  func isStillFull(_ view: PathView) -> Bool {
    view.queue.floor(since: view.landedAt) ?? 0 > view.queue.threshold
  }

  /// Keeps a smaller size.
  private mutating func accept(_ here: Level, _ view: PathView, because why: Reason) {
    hold(here, view.now, because: why)
    proposals.patience = max(proposals.patience, MoreRule.settledPatience)
    let pause = FewerRule.pause
    proposals.fewerAt = view.now + max(pause.seconds, pause.trips * view.trip)
  }
}
