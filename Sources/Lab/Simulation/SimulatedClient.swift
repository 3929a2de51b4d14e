import Scheduling
import Tuning

/// One machine that pulls one image: drives the shipped scheduler over a virtual network.
///
/// It does what a real pull does: reports progress and asks for a sample every tick, reuses connections,
/// and closes those whose response it does not read to its end.
struct SimulatedClient {
  /// A request in flight.
  private struct Flight {
    let request: RequestID
    let segment: SegmentID
    /// Its connection.
    let flow: Int
    /// The next byte to arrive.
    var offset: Double
    /// Where the response ends.
    let responseEnd: Double
    /// When the client notices the first byte, unless it is refused.
    let noticedAt: Double
    let connectSeconds: Double?
    var isNoticed = false
    /// Losses of its connection that the kernel has told of.
    var losses: Int
  }

  /// A byte range in flight, as the client's disk sees it.
  private struct Window {
    let blob: BlobID
    var position: Double
    var end: Double
    var reported: Int64
  }

  let index: Int
  let startedAt: Double
  private(set) var finishedAt: Double?
  private(set) var scheduler: Scheduler
  /// Epochs and what else there is to learn from this pull.
  private(set) var recorder: PullRecorder
  /// Every sample and decision, where a trace is wanted.
  private(set) var trace: [TraceStep] = []
  private(set) var tally = Tally()

  private let keepsTrace: Bool
  private var flights: [Flight] = []
  private var windows: [SegmentID: Window] = [:]
  private var idle: [Int] = []
  private var located: Set<BlobID> = []
  private var unfinished = 0
  private var nextTick: Double
  private var isPerforming = false
  private var backlog: [(at: Double, action: SchedulerAction)] = []

  /// What a pull cost and how fast it got on.
  struct Tally {
    var requests = 0
    var refusals = 0
    /// Connections in use, integrated over time.
    var connectionSeconds = 0.0
    /// Useful bytes at each tick.
    var progress: [(at: Double, bytes: Int64)] = []
  }

  static let tickSeconds = 0.05

  init(
    index: Int, image: ImageModel, policy: any Policy, roundTrip: Double?, startedAt: Double,
    seed: UInt64, keepsTrace: Bool, limits: PullLimits = .init(), prior: Prior? = nil
  ) {
    self.index = index
    self.startedAt = startedAt
    self.keepsTrace = keepsTrace
    nextTick = startedAt + Self.tickSeconds
    let opening = Opening(
      bytes: image.size, blobs: image.blobs.count, roundTripSeconds: roundTrip)
    recorder = PullRecorder(opening: opening, limits: limits, prior: prior)
    scheduler = Scheduler(policy: policy, opening: opening, seed: seed)
    // The order in which a real pull hands blobs to the scheduler: large before small.
    for size in image.blobs.sorted(by: >) {
      let (_, actions) = scheduler.add(size: size)
      unfinished += 1 - actions.count
    }
  }

  var isOver: Bool { finishedAt != nil }

  /// Takes a step's deliveries and lets the scheduler react to what they finish.
  mutating func advance(from now: Double, by seconds: Double, _ network: inout VirtualNetwork) {
    guard !isOver, now + seconds > startedAt else { return }
    if tally.requests == 0 { handle(.tick, at: startedAt, &network) }
    let end = now + seconds
    var index = 0
    while index < flights.count {
      let before = flights[index].request
      deliver(index, from: now, to: end, &network)
      // What ended was taken out of the list; what came in stands at its end.
      if index < flights.count, flights[index].request == before { index += 1 }
      if isOver { return }
    }
    tally.connectionSeconds += Double(flights.count) * seconds
    if end >= nextTick { tick(end, &network) }
  }

  // MARK: Deliveries

  private mutating func deliver(
    _ index: Int, from now: Double, to end: Double, _ network: inout VirtualNetwork
  ) {
    let flight = flights[index]
    let flow = network.flows[flight.flow]
    if flow.phase == .refused {
      if flow.refusedAt <= end { refuse(index, at: max(now, flow.refusedAt), &network) }
      return
    }
    let bytes = flow.delivered
    guard bytes > 0, let window = windows[flight.segment] else {
      notice(index, by: end, &network)
      return
    }
    let offset = min(flight.offset + bytes, flight.responseEnd)
    flights[index].offset = offset
    if offset >= window.end {
      // It ended somewhere within the step.
      let needed = max(0, window.end - flight.offset)
      let at = end - (1 - min(1, needed / bytes)) * (end - now)
      if !flight.isNoticed {
        flights[index].isNoticed = true
        handle(.responded(flight.request, connectSeconds: flight.connectSeconds), at: at, &network)
      }
      finish(flight.request, at: at, &network)
      return
    }
    if offset > window.position { windows[flight.segment]?.position = offset }
    notice(index, by: end, &network)
  }

  private mutating func notice(_ index: Int, by end: Double, _ network: inout VirtualNetwork) {
    let flight = flights[index]
    guard !flight.isNoticed, flight.noticedAt <= end else { return }
    flights[index].isNoticed = true
    handle(
      .responded(flight.request, connectSeconds: flight.connectSeconds),
      at: max(flight.noticedAt, end - network.step), &network)
  }

  private mutating func finish(_ id: RequestID, at now: Double, _ network: inout VirtualNetwork) {
    guard let index = flights.firstIndex(where: { $0.request == id }) else { return }
    let flight = flights.remove(at: index)
    let isRead = flight.offset >= flight.responseEnd
    retire(flight, isReusable: isRead, at: now, &network)
    windows[flight.segment] = nil
    handle(.finished(id), at: now, &network)
  }

  private mutating func refuse(_ index: Int, at now: Double, _ network: inout VirtualNetwork) {
    let flight = flights.remove(at: index)
    retire(flight, isReusable: true, at: now, &network)
    tally.refusals += 1
    if !flights.contains(where: { $0.segment == flight.segment }) { windows[flight.segment] = nil }
    let retryAfter = network.model.server.retryAfter
    handle(.failed(flight.request, .refused(retryAfter: retryAfter)), at: now, &network)
  }

  private mutating func retire(
    _ flight: Flight, isReusable: Bool, at now: Double, _ network: inout VirtualNetwork
  ) {
    if isReusable {
      network.release(flight.flow, now: now)
      idle.append(flight.flow)
    } else {
      network.close(flight.flow)
    }
  }

  // MARK: The scheduler

  private mutating func tick(_ now: Double, _ network: inout VirtualNetwork) {
    nextTick = now + Self.tickSeconds
    for id in flights.map(\.segment) {
      guard let window = windows[id], Int64(window.position) > window.reported else { continue }
      windows[id]?.reported = Int64(window.position)
      handle(.advanced(id, position: Int64(window.position)), at: now, &network)
    }
    var readings = Readings(engineBusy: network.busy[index])
    if network.model.client.diskRate <= network.model.client.limit {
      readings.diskBusy = readings.engineBusy
    }
    var disordered = 0
    for index in flights.indices where flights[index].isNoticed {
      let flow = network.flows[flights[index].flow]
      if flow.losses > flights[index].losses { disordered += 1 }
      flights[index].losses = flow.losses
      let smallest = flow.smallestRoundTrip
      readings.smallestRoundTripSeconds = min(
        readings.smallestRoundTripSeconds ?? smallest, smallest)
      readings.roundTripSeconds.append(network.noisy(network.roundTrip))
    }
    readings.disordered = disordered
    handle(.measured(readings), at: now, &network)
    handle(.tick, at: now, &network)
    tally.progress.append((now - startedAt, scheduler.bytesDone))
  }

  private mutating func handle(
    _ event: SchedulerEvent, at now: Double, _ network: inout VirtualNetwork
  ) {
    let moment = Moment(seconds: max(0, now - startedAt))
    for action in scheduler.handle(event, now: moment) { backlog.append((now, action)) }
    guard !isPerforming else { return }
    isPerforming = true
    while !backlog.isEmpty {
      let (at, action) = backlog.removeFirst()
      perform(action, at: at, &network)
    }
    isPerforming = false
  }

  private mutating func perform(
    _ action: SchedulerAction, at now: Double, _ network: inout VirtualNetwork
  ) {
    switch action {
    case .fetch(let fetch): begin(fetch, at: now, &network)
    case .cancel(let request): cancel(request, at: now, &network)
    case .extend(let segment, let end): windows[segment]?.end = Double(end)
    case .complete, .giveUp:
      unfinished -= 1
      if unfinished == 0 { finishPull(at: now, &network) }
    case .sampled(let sample, let decision):
      recorder.observe(sample, decision)
      if keepsTrace { trace.append(TraceStep(sample: sample, decision: decision)) }
    }
  }

  private mutating func begin(_ fetch: Fetch, at now: Double, _ network: inout VirtualNetwork) {
    if case .split(let older) = fetch.origin {
      guard let window = windows[older], window.position < Double(fetch.range.lowerBound) else {
        let position = Int64(windows[older]?.position ?? 0)
        handle(
          .splitMissed(fetch.segment, older: older, position: position), at: now, &network)
        return
      }
      windows[older]?.end = Double(fetch.range.lowerBound)
    }
    if windows[fetch.segment] == nil {
      windows[fetch.segment] = Window(
        blob: fetch.blob, position: Double(fetch.range.lowerBound),
        end: Double(fetch.range.upperBound), reported: fetch.range.lowerBound)
    }
    tally.requests += 1
    var connect: Double?
    let flow: Int
    if let free = idle.popLast() {
      flow = free
    } else {
      let opened = network.open(client: index, now: now)
      connect = opened.connectSeconds
      flow = opened.flow
    }
    // Later blobs are located ahead of the workers.
    let isFirst = now - startedAt < network.model.roundTrip
    let isRedirected =
      network.model.server.redirects && isFirst && located.insert(fetch.blob).inserted
    let sentAt = now + (connect ?? 0)
    let firstByte = network.request(flow, sentAt: sentAt, redirected: isRedirected)
    flights.append(
      Flight(
        request: fetch.request, segment: fetch.segment, flow: flow,
        offset: Double(fetch.range.lowerBound), responseEnd: Double(fetch.range.upperBound),
        noticedAt: network.noisy(firstByte), connectSeconds: connect.map { network.noisy($0) },
        losses: network.flows[flow].losses))
  }

  private mutating func cancel(_ id: RequestID, at now: Double, _ network: inout VirtualNetwork) {
    guard let index = flights.firstIndex(where: { $0.request == id }) else { return }
    let flight = flights.remove(at: index)
    retire(flight, isReusable: false, at: now, &network)
    if !flights.contains(where: { $0.segment == flight.segment }) { windows[flight.segment] = nil }
  }

  private mutating func finishPull(at now: Double, _ network: inout VirtualNetwork) {
    finishedAt = now
    for flight in flights { retire(flight, isReusable: false, at: now, &network) }
    for flow in idle { network.close(flow) }
    flights = []
    idle = []
  }
}
