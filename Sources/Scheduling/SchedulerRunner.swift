package import Tuning

/// Whoever runs a scheduler: a real path's pool, the simulator, and the network that tests make up.
///
/// What a scheduler decides is performed here, once for all of them: in the order in which it was
/// decided, also what performing it brings; windows are kept by segment, and go with their last
/// request. A runner says what differs: where bytes go, how a request is made and ended, and what is
/// done with a blob that is complete.
package protocol SchedulerRunner: AnyObject {
  /// Where the bytes of one segment go, and what else the runner keeps of it.
  associatedtype Window

  /// The scheduler that is run.
  var scheduler: Scheduler { get set }
  /// What is in flight for it.
  var fetches: Fetches<Window> { get set }
  /// When what happens now happens.
  var now: Moment { get }

  /// Opens the window of a segment that begins; nil: nobody wants its blob any more, and no request
  /// is made.
  func open(_ fetch: Fetch) -> Window?
  /// Lets a window end at `offset` from now on, which is within it.
  ///
  /// - Returns: nil, or how far the blob is on disk where the window has passed that offset; it stays
  ///   as it is then.
  func shorten(_ window: inout Window, to offset: Int64) -> Int64?
  /// Lets a window end at `end` from now on, which is beyond it.
  func extend(_ window: inout Window, to end: Int64)
  /// Makes a request, which fills a window.
  func start(_ fetch: Fetch, in window: Window)
  /// Ends a request.
  func stop(_ request: RequestID)
  /// Closes a window whose last request was ended: nothing is written there any more.
  func close(_ window: Window, of segment: SegmentID)
  /// Every byte of a blob is here.
  func complete(_ blob: BlobID)
  /// A blob cannot be had, after what came of a request.
  func giveUp(_ blob: BlobID, after request: RequestID)
  /// The policy was asked: what it saw, and said.
  func sampled(_ sample: Sample, _ decision: PoolDecision)
}

extension SchedulerRunner {
  /// Tells the scheduler what happened, and performs what it decides.
  package func handle(_ event: SchedulerEvent) { perform(scheduler.handle(event, now: now)) }

  /// Performs actions, in their order; where that is being done already, after those that come before.
  package func perform(_ actions: [SchedulerAction]) {
    guard fetches.queue(actions) else { return }
    while let action = fetches.next() { perform(action) }
  }

  private func perform(_ action: SchedulerAction) {
    switch action {
    case .fetch(let fetch): begin(fetch)
    case .cancel(let request):
      stop(request)
      if let (segment, window) = fetches.end(request) { close(window, of: segment) }
    case .extend(let segment, let end):
      guard var window = fetches.windows[segment] else { return }
      extend(&window, to: end)
      fetches.windows[segment] = window
    case .complete(let blob): complete(blob)
    case .giveUp(let blob, let request): giveUp(blob, after: request)
    case .sampled(let sample, let decision): sampled(sample, decision)
    }
  }

  private func begin(_ fetch: Fetch) {
    guard let window = window(for: fetch) else { return }
    fetches.begin(fetch, in: window)
    start(fetch, in: window)
  }

  /// The window that a request fills; nil where it is too late for one.
  private func window(for fetch: Fetch) -> Window? {
    switch fetch.origin {
    case .straggler: return fetches.windows[fetch.segment]
    case .pending: return open(fetch)
    case .split(let older):
      guard var window = fetches.windows[older] else {
        handle(.splitMissed(fetch.segment, older: older, position: 0))
        return nil
      }
      if let position = shorten(&window, to: fetch.range.lowerBound) {
        handle(.splitMissed(fetch.segment, older: older, position: position))
        return nil
      }
      fetches.windows[older] = window
      return open(fetch)
    }
  }
}
