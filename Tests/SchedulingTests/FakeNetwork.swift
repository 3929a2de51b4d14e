import Scheduling
import Testing
import Tuning

/// Performs a scheduler's actions on a network of its own making, in virtual time.
///
/// Each request has a first-byte delay and a rate; a test can make requests fail, stall, or be
/// answered with the whole blob. After every step the bytes of all blobs are checked: none is lost
/// and none is fetched by two segments.
final class FakeNetwork: SchedulerRunner {
  enum Behaviour {
    /// Delivers to the end.
    case good(rate: Double)
    /// Fails after so many bytes.
    case fails(after: Int64, FetchFailure)
    /// Fails before any answer.
    case hangsUp(FetchFailure)
    /// Never says anything.
    case silent
    /// Sends the whole blob, whatever range was asked for.
    case whole(rate: Double)
  }

  struct Flight {
    let fetch: Fetch
    let behaviour: Behaviour
    let start: Double
    var sent = false
    var responded = false
    /// Bytes of a whole blob that came so far from before the window.
    var passed: Int64 = 0

    var isRefused: Bool {
      switch behaviour {
      case .fails(_, .refused), .fails(_, .denied), .hangsUp: true
      default: false
      }
    }
  }

  struct Window {
    let blob: BlobID
    var position: Int64
    var end: Int64
  }

  var scheduler: Scheduler
  var fetches = Fetches<Window>()
  var seconds = 0.0
  var now: Moment { Moment(seconds: seconds) }
  let step: Double
  let firstByte: Double
  var behave: (Fetch, Int) -> Behaviour
  /// Requests that the server serves at a time; others are told to come back later.
  var mostServed = Int.max
  var retryAfter = 10.0
  /// Whether it denies what those others ask for.
  var denies = false
  /// Whether it hangs up on those others, and says nothing.
  var hangsUp = false
  /// Whether it tells when requests went out, a step after they were made.
  var saysSent = false
  var flights: [RequestID: Flight] = [:]
  var windows: [SegmentID: Window] { fetches.windows }
  var sizes: [Int64] = []
  var received: [RangeSet<Int64>] = []
  var complete: Set<BlobID> = []
  var givenUp: [BlobID: RequestID] = [:]
  var made: [Fetch] = []
  var cancelled: [RequestID] = []
  var mostOpen = 0
  var samples: [(sample: Sample, decision: PoolDecision)] = []

  init(
    policy: any Policy, settings: SchedulerSettings = .init(), step: Double = 0.05,
    firstByte: Double = 0.1, behave: @escaping (Fetch, Int) -> Behaviour
  ) {
    scheduler = Scheduler(policy: policy, settings: settings)
    self.step = step
    self.firstByte = firstByte
    self.behave = behave
  }

  func add(
    _ size: Int64, _ urgency: Urgency = .whole, have: RangeSet<Int64> = RangeSet()
  ) {
    sizes.append(size)
    received.append(have)
    let (_, actions) = scheduler.add(size: size, have: have, urgency: urgency)
    perform(actions)
    checkNoOverlap()
  }

  /// Nobody wants these blobs any more.
  func leave(_ blobs: [Int]) {
    tell(.left(blobs.map { BlobID(index: $0) }))
  }

  /// Runs until everything is over, or for `limit` virtual seconds.
  func run(limit: Double = 3_000) {
    let end = seconds + limit
    while seconds < end, complete.count + givenUp.count < sizes.count {
      advance()
    }
  }

  func advance() {
    seconds += step
    for id in flights.keys.sorted() {
      guard let flight = flights[id] else { continue }
      progress(id, flight)
    }
    tell(.tick)
  }

  /// Tells the scheduler what happened, and looks at all that came of it.
  func tell(_ event: SchedulerEvent) {
    handle(event)
    mostOpen = max(mostOpen, scheduler.openRequests)
    checkNoOverlap()
  }

  private func progress(_ id: RequestID, _ flight: Flight) {
    if case .silent = flight.behaviour { return }
    if saysSent, !flight.sent {
      flights[id]?.sent = true
      tell(.sent(id))
    }
    guard seconds - flight.start >= firstByte else { return }
    if case .hangsUp(let failure) = flight.behaviour { return fail(id, failure) }
    if !flight.responded {
      flights[id]?.responded = true
      tell(.responded(id, connectSeconds: nil))
      if case .whole = flight.behaviour, !(flight.fetch.range == 0..<sizes[flight.fetch.blob.index])
      {
        tell(.wholeBody(id))
      }
    }
    guard flights[id] != nil, var window = windows[flight.fetch.segment] else { return }
    switch flight.behaviour {
    case .whole(let rate) where flight.passed < flight.fetch.range.lowerBound:
      flights[id]?.passed += Int64(rate * step)
    case .good(let rate), .whole(let rate):
      move(&window, by: Int64(rate * step), flight.fetch.segment)
      if window.position == window.end {
        flights[id] = nil
        fetches.end(id)
        tell(.finished(id))
      }
    case .fails(let bytes, let failure):
      move(&window, by: min(bytes, window.end - window.position - 1), flight.fetch.segment)
      fail(id, failure)
    case .silent, .hangsUp: break
    }
  }

  /// Ends a request with a failure.
  func fail(_ id: RequestID, _ failure: FetchFailure) {
    guard flights.removeValue(forKey: id) != nil else { return }
    fetches.end(id)
    tell(.failed(id, failure))
  }

  private func move(_ window: inout Window, by bytes: Int64, _ segment: SegmentID) {
    let next = min(window.end, window.position + max(0, bytes))
    if next > window.position {
      received[window.blob.index].insert(contentsOf: window.position..<next)
      window.position = next
      fetches.windows[segment] = window
      tell(.advanced(segment, position: next))
    }
    window = windows[segment] ?? window
  }

  // MARK: What a runner does

  func open(_ fetch: Fetch) -> Window? {
    let here = received[fetch.blob.index].intersection(RangeSet(fetch.range))
    #expect(here.isEmpty || !fetch.ranged)
    received[fetch.blob.index].subtract(here)
    return Window(
      blob: fetch.blob, position: fetch.range.lowerBound, end: fetch.range.upperBound)
  }

  func shorten(_ window: inout Window, to offset: Int64) -> Int64? {
    #expect(window.position <= offset)
    window.end = offset
    return nil
  }

  func extend(_ window: inout Window, to end: Int64) { window.end = end }

  func start(_ fetch: Fetch, in window: Window) {
    made.append(fetch)
    #expect(flights[fetch.request] == nil)
    let isFull = flights.values.count { !$0.isRefused } >= mostServed
    flights[fetch.request] = Flight(
      fetch: fetch,
      behaviour: !isFull
        ? behave(fetch, made.count)
        : hangsUp
          ? .hangsUp(.transient)
          : .fails(after: 0, denies ? .denied : .refused(retryAfter: retryAfter)),
      start: seconds)
  }

  func stop(_ request: RequestID) {
    flights[request] = nil
    cancelled.append(request)
  }

  func close(_ window: Window, of segment: SegmentID) {}

  func complete(_ blob: BlobID) {
    #expect(
      received[blob.index]
        == (sizes[blob.index] > 0 ? RangeSet(0..<sizes[blob.index]) : RangeSet()))
    complete.insert(blob)
  }

  func giveUp(_ blob: BlobID, after request: RequestID) { givenUp[blob] = request }

  func sampled(_ sample: Sample, _ decision: PoolDecision) { samples.append((sample, decision)) }

  /// No byte is in two windows.
  private func checkNoOverlap() {
    for blob in sizes.indices {
      let ranges = windows.values.filter { $0.blob.index == blob && $0.position < $0.end }
        .map { $0.position..<$0.end }.sorted { $0.lowerBound < $1.lowerBound }
      for (left, right) in zip(ranges, ranges.dropFirst()) {
        #expect(left.upperBound <= right.lowerBound, "windows overlap in blob \(blob)")
      }
    }
  }
}
