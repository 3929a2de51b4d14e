import Scheduling
import Testing
import Tuning

/// Performs a scheduler's actions on a network of its own making, in virtual time.
///
/// Each request has a first-byte delay and a rate; a test can make requests fail, stall, or be
/// answered with the whole blob. After every step the bytes of all blobs are checked: none is lost
/// and none is fetched by two segments.
struct FakeNetwork {
  enum Behaviour {
    /// Delivers to the end.
    case good(rate: Double)
    /// Fails after so many bytes.
    case fails(after: Int64, FetchFailure)
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

    var isRefused: Bool {
      if case .fails(_, .refused) = behaviour { true } else { false }
    }
  }

  struct Window {
    let blob: BlobID
    var position: Int64
    var end: Int64
  }

  var scheduler: Scheduler
  var now = 0.0
  let step: Double
  let firstByte: Double
  var behave: (Fetch, Int) -> Behaviour
  /// Requests that the server serves at a time; others are told to come back later.
  var mostServed = Int.max
  var retryAfter = 10.0
  /// Whether it tells when requests went out, a step after they were made.
  var saysSent = false
  var flights: [RequestID: Flight] = [:]
  var windows: [SegmentID: Window] = [:]
  var sizes: [Int64] = []
  var received: [RangeSet<Int64>] = []
  var complete: Set<BlobID> = []
  var givenUp: [BlobID: RequestID] = [:]
  var fetches: [Fetch] = []
  var cancelled: [RequestID] = []
  var mostOpen = 0

  init(
    policy: any Policy, settings: SchedulerSettings = .init(), step: Double = 0.05,
    firstByte: Double = 0.1, behave: @escaping (Fetch, Int) -> Behaviour
  ) {
    scheduler = Scheduler(policy: policy, settings: settings)
    self.step = step
    self.firstByte = firstByte
    self.behave = behave
  }

  mutating func add(
    _ size: Int64, _ urgency: Urgency = .whole, have: RangeSet<Int64> = RangeSet()
  ) {
    sizes.append(size)
    received.append(have)
    let (_, actions) = scheduler.add(size: size, have: have, urgency: urgency)
    perform(actions)
  }

  /// Nobody wants these blobs any more.
  mutating func leave(_ blobs: [Int]) {
    handle(.left(blobs.map { BlobID(index: $0) }))
  }

  /// Runs until everything is over, or for `limit` virtual seconds.
  mutating func run(limit: Double = 3_000) {
    let end = now + limit
    while now < end, complete.count + givenUp.count < sizes.count {
      advance()
    }
  }

  mutating func advance() {
    now += step
    for id in flights.keys.sorted() {
      guard let flight = flights[id] else { continue }
      progress(id, flight)
    }
    handle(.tick)
  }

  mutating func handle(_ event: SchedulerEvent) {
    perform(scheduler.handle(event, now: Moment(seconds: now)))
    mostOpen = max(mostOpen, scheduler.openRequests)
  }

  private mutating func progress(_ id: RequestID, _ flight: Flight) {
    if case .silent = flight.behaviour { return }
    if saysSent, !flight.sent {
      flights[id]?.sent = true
      handle(.sent(id))
    }
    guard now - flight.start >= firstByte else { return }
    if !flight.responded {
      flights[id]?.responded = true
      handle(.responded(id, connectSeconds: nil))
      if case .whole = flight.behaviour, !(flight.fetch.range == 0..<sizes[flight.fetch.blob.index])
      {
        handle(.wholeBody(id))
      }
    }
    guard flights[id] != nil, var window = windows[flight.fetch.segment] else { return }
    switch flight.behaviour {
    case .good(let rate), .whole(let rate):
      move(&window, by: Int64(rate * step), flight.fetch.segment)
      if window.position == window.end {
        flights[id] = nil
        handle(.finished(id))
        windows[flight.fetch.segment] = nil
      }
    case .fails(let bytes, let failure):
      move(&window, by: min(bytes, window.end - window.position - 1), flight.fetch.segment)
      fail(id, failure)
    case .silent: break
    }
  }

  /// Ends a request with a failure.
  mutating func fail(_ id: RequestID, _ failure: FetchFailure) {
    guard let flight = flights.removeValue(forKey: id) else { return }
    if !flights.values.contains(where: { $0.fetch.segment == flight.fetch.segment }) {
      windows[flight.fetch.segment] = nil
    }
    handle(.failed(id, failure))
  }

  private mutating func move(_ window: inout Window, by bytes: Int64, _ segment: SegmentID) {
    let next = min(window.end, window.position + max(0, bytes))
    if next > window.position {
      received[window.blob.index].insert(contentsOf: window.position..<next)
      window.position = next
      windows[segment] = window
      handle(.advanced(segment, position: next))
    }
    window = windows[segment] ?? window
  }

  private mutating func perform(_ actions: [SchedulerAction]) {
    for action in actions {
      switch action {
      case .fetch(let fetch):
        fetches.append(fetch)
        switch fetch.origin {
        case .pending:
          windows[fetch.segment] = Window(
            blob: fetch.blob, position: fetch.range.lowerBound, end: fetch.range.upperBound)
        case .split(let older):
          #expect(windows[older].map { $0.position <= fetch.range.lowerBound } ?? false)
          windows[older]?.end = fetch.range.lowerBound
          windows[fetch.segment] = Window(
            blob: fetch.blob, position: fetch.range.lowerBound, end: fetch.range.upperBound)
        case .straggler:
          #expect(windows[fetch.segment] != nil)
        }
        #expect(flights[fetch.request] == nil)
        let isFull = flights.values.count { !$0.isRefused } >= mostServed
        flights[fetch.request] = Flight(
          fetch: fetch,
          behaviour: isFull
            ? .fails(after: 0, .refused(retryAfter: retryAfter)) : behave(fetch, fetches.count),
          start: now)
      case .cancel(let request):
        let segment = flights.removeValue(forKey: request)?.fetch.segment
        cancelled.append(request)
        if let segment, !flights.values.contains(where: { $0.fetch.segment == segment }) {
          windows[segment] = nil
        }
      case .extend(let segment, let end):
        windows[segment]?.end = end
      case .complete(let blob):
        #expect(
          received[blob.index]
            == (sizes[blob.index] > 0 ? RangeSet(0..<sizes[blob.index]) : RangeSet()))
        complete.insert(blob)
      case .giveUp(let blob, let request):
        givenUp[blob] = request
      case .sampled:
        break
      }
    }
    checkNoOverlap()
  }

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
