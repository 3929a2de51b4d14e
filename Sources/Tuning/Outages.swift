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
