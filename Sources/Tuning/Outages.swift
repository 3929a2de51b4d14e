/// Takes outages out of what somebody sees of a path.
///
/// While nothing comes over any connection for long, nothing is to be learned, and nothing to be
/// decided. That a silence is an outage is known only once it has lasted; so what was made of its
/// beginning is taken back, and the observer's time goes on when bytes do.
struct Outages<Observer: Sendable>: Sendable {
  private(set) var observer: Observer
  /// Seconds of outages that are over.
  private(set) var seconds = 0.0
  /// Whether there is one now.
  private(set) var isOut = false
  /// The observer as it was when bytes came last.
  private var before: Observer
  /// When bytes came last, or nobody could have expected any, and how many there were.
  private var last: (at: Moment, bytes: Int64)

  init(_ observer: Observer, from start: Moment) {
    self.observer = observer
    before = observer
    last = (start, 0)
  }

  /// Lets the observer see a sample, as it would be without the outages.
  mutating func observe(_ sample: Sample, _ see: (inout Observer, Sample) -> Void) {
    if isOut {
      guard sample.bytesDone > last.bytes else { return }
      isOut = false
      seconds += max(0, sample.now - last.at - Sample.interval)
    }
    let isSilent = sample.bytesDone <= last.bytes && sample.isWaitedFor
    if isSilent, sample.now - last.at >= Sample.pause {
      isOut = true
      observer = before
      return
    }
    see(&observer, seconds > 0 ? sample.earlier(by: seconds) : sample)
    if !isSilent {
      last = (sample.now, sample.bytesDone)
      before = observer
    }
  }
}

extension Sample {
  /// Whether there are connections that carried data and should go on, as far as this machine goes.
  fileprivate var isWaitedFor: Bool {
    carrying > 0 && (readings.held ?? 0) < 0.5 && readings.engineBusy < 0.5
  }

  /// The same, so many seconds before.
  fileprivate func earlier(by seconds: Double) -> Sample {
    var sample = self
    sample.now = now - seconds
    for index in sample.refusals.indices {
      sample.refusals[index].at = sample.refusals[index].at - seconds
    }
    return sample
  }
}

/// A policy that decides nothing while nothing comes, and is not misled by it.
package struct OutageProof: Policy {
  private struct State {
    var policy: any Policy
    var decision: PoolDecision
  }

  private let base: any Policy
  private var watched: Outages<State>?

  /// The name in reports: the policy's own.
  package var name: String { base.name }

  /// Makes one.
  ///
  /// - Parameter policy: what decides.
  package init(_ policy: any Policy) { base = policy }

  /// The pool size to open with.
  package mutating func start(_ opening: Opening) -> PoolDecision {
    var policy = base
    let decision = policy.start(opening)
    watched = Outages(State(policy: policy, decision: decision), from: opening.now)
    return decision
  }

  /// Takes a sample and decides again.
  package mutating func observe(_ sample: Sample) -> PoolDecision {
    if watched == nil { _ = start(Opening(now: sample.now)) }
    watched?.observe(sample) { $0.decision = $0.policy.observe($1) }
    var decision = watched?.observer.decision ?? PoolDecision(poolSize: 1, reason: "")
    if watched?.isOut ?? false { decision.reason = Self.waiting }
    return decision
  }

  private static let waiting = "nothing comes over any connection: waiting with as many"
}
