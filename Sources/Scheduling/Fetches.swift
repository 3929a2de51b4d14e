/// What is in flight for a scheduler: the windows of its segments, and the requests that fill them.
package struct Fetches<Window> {
  /// By segment; a window is there as long as a request fills it.
  package var windows: [SegmentID: Window] = [:]
  private var requests: [SegmentID: Set<RequestID>] = [:]
  private var segments: [RequestID: SegmentID] = [:]
  /// Actions that wait for their turn, the next one last.
  private var backlog: [SchedulerAction] = []
  private var isPerforming = false
  private var isClosed = false

  /// Nothing is in flight.
  package init() {}

  /// The segment that a request fills; nil: it is over.
  package func segment(of request: RequestID) -> SegmentID? { segments[request] }

  /// The requests that fill a segment.
  package func requests(of segment: SegmentID) -> Set<RequestID> { requests[segment] ?? [] }

  /// Forgets a request that is over.
  ///
  /// - Returns: its segment and window where it was the last one; they are forgotten, too.
  @discardableResult
  package mutating func end(_ request: RequestID) -> (SegmentID, Window)? {
    guard let segment = segments.removeValue(forKey: request) else { return nil }
    requests[segment]?.remove(request)
    guard requests[segment]?.isEmpty ?? true else { return nil }
    requests[segment] = nil
    return windows.removeValue(forKey: segment).map { (segment, $0) }
  }

  /// Forgets everything; nothing is performed after that.
  package mutating func close() {
    self = Self()
    isClosed = true
  }

  mutating func begin(_ fetch: Fetch, in window: Window) {
    windows[fetch.segment] = window
    requests[fetch.segment, default: []].insert(fetch.request)
    segments[fetch.request] = fetch.segment
  }

  /// Queues actions.
  ///
  /// - Returns: whether they are to be performed now: nobody is at it.
  mutating func queue(_ actions: [SchedulerAction]) -> Bool {
    guard !isClosed else { return false }
    backlog.insert(contentsOf: actions.reversed(), at: 0)
    defer { isPerforming = true }
    return !isPerforming
  }

  /// The next action; nil: all are performed.
  mutating func next() -> SchedulerAction? {
    let next = backlog.popLast()
    if next == nil { isPerforming = false }
    return next
  }
}
