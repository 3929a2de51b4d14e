import Scheduling
import Tuning

/// One machine that pulls one image: drives the shipped scheduler over a virtual network.
///
/// It does what a real pull does: reports progress and asks for a sample every tick, reuses connections,
/// and closes those whose response it does not read to its end.
final class SimulatedClient: SchedulerRunner {
  /// A request in flight.
  struct Flight {
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
  struct Window {
    var position: Double
    var end: Double
    var reported: Int64
  }

  let index: Int
  let startedAt: Double
  private(set) var finishedAt: Double?
  var scheduler: Scheduler
  var fetches = Fetches<Window>()
  /// Epochs and what else there is to learn from this pull.
  var recorder: PullRecorder
  /// Every sample and decision, where a trace is wanted.
  var trace: [TraceStep] = []
  var tally = Tally()

  let keepsTrace: Bool
  var flights: [Flight] = []
  var idle: [Int] = []
  var located: Set<BlobID> = []
  private var unfinished = 0
  private var nextTick: Double
  /// What is wanted later, the next last.
  private var later: [Simulation.Arrival]
  /// Seconds in which nothing was wanted.
  private var pausedSeconds = 0.0
  let network: SharedNetwork
  /// When what happens now happens, on the network's clock.
  var at: Double

  /// What a pull cost and how fast it got on.
  struct Tally {
    var requests = 0
    var refusals = 0
    /// Connections in use, integrated over time.
    var connectionSeconds = 0.0
    /// When each blob was over, in seconds since the start.
    var ends: [Int: Double] = [:]
    /// Useful bytes at each tick.
    var progress: [(at: Double, bytes: Int64)] = []
  }

  init(
    index: Int, _ puller: Simulation.Puller, over network: SharedNetwork,
    roundTrip: Double?, seed: UInt64, keepsTrace: Bool,
    limits: PullLimits = .init(), prior: Prior? = nil
  ) {
    self.index = index
    startedAt = puller.startedAt
    later = puller.later.reversed()
    self.keepsTrace = keepsTrace
    self.network = network
    at = startedAt
    nextTick = startedAt + Sample.interval
    let (image, policy) = (puller.image, puller.policy)
    let opening = Opening(
      bytes: image.size, blobs: image.blobs.count, roundTripSeconds: roundTrip)
    recorder = PullRecorder(opening: opening, limits: limits, prior: prior)
    scheduler = Scheduler(policy: policy, opening: opening, seed: seed)
    // The order in which a real pull hands blobs to the scheduler: large before small.
    want(image.blobs)
  }

  private func want(_ blobs: [Int64]) {
    for size in blobs.sorted(by: >) {
      let (id, actions) = scheduler.add(size: size)
      unfinished += 1 - actions.count
      if !actions.isEmpty { tally.ends[id.index] = at - startedAt }
    }
  }

  /// Takes in what is wanted from now on; the clock stood still while nothing was.
  private func arrive(by end: Double) {
    while let next = later.last, startedAt + next.at <= end {
      later.removeLast()
      let arrival = startedAt + next.at
      if unfinished == 0 {
        pausedSeconds += max(0, arrival - at)
        nextTick = arrival + Sample.interval
      }
      at = max(at, arrival)
      want(next.blobs)
      handle(.tick)
    }
  }

  var isOver: Bool { finishedAt != nil }

  /// Takes a step's deliveries and lets the scheduler react to what they finish.
  func advance(from now: Double, by seconds: Double) {
    guard !isOver, now + seconds > startedAt else { return }
    if tally.requests == 0 { handle(.tick, at: startedAt) }
    let end = now + seconds
    var index = 0
    while index < flights.count {
      let before = flights[index].request
      deliver(index, from: now, to: end)
      // What ended was taken out of the list; what came in stands at its end.
      if index < flights.count, flights[index].request == before { index += 1 }
      if isOver { return }
    }
    tally.connectionSeconds += Double(flights.count) * seconds
    if end >= nextTick, unfinished > 0 { tick(end) }
    arrive(by: end)
  }

  // MARK: Deliveries

  private func deliver(
    _ index: Int, from now: Double, to end: Double
  ) {
    let flight = flights[index]
    let flow = network.link.flows[flight.flow]
    if flow.phase == .refused {
      if flow.refusedAt <= end { refuse(index, at: max(now, flow.refusedAt)) }
      return
    }
    let bytes = flow.delivered
    guard bytes > 0, let window = fetches.windows[flight.segment] else {
      notice(index, by: end)
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
        handle(.responded(flight.request, connectSeconds: flight.connectSeconds), at: at)
      }
      finish(flight.request, at: at)
      return
    }
    if offset > window.position { fetches.windows[flight.segment]?.position = offset }
    notice(index, by: end)
  }

  private func notice(_ index: Int, by end: Double) {
    let flight = flights[index]
    guard !flight.isNoticed, flight.noticedAt <= end else { return }
    flights[index].isNoticed = true
    handle(
      .responded(flight.request, connectSeconds: flight.connectSeconds),
      at: max(flight.noticedAt, end - network.link.step))
  }

  private func finish(_ id: RequestID, at now: Double) {
    guard let index = flights.firstIndex(where: { $0.request == id }) else { return }
    let flight = flights.remove(at: index)
    let isRead = flight.offset >= flight.responseEnd
    retire(flight, isReusable: isRead, at: now)
    fetches.end(id)
    handle(.finished(id), at: now)
  }

  private func refuse(_ index: Int, at now: Double) {
    let flight = flights.remove(at: index)
    retire(flight, isReusable: true, at: now)
    tally.refusals += 1
    fetches.end(flight.request)
    let retryAfter = network.link.model.server.retryAfter
    handle(.failed(flight.request, .refused(retryAfter: retryAfter)), at: now)
  }

  func retire(
    _ flight: Flight, isReusable: Bool, at now: Double
  ) {
    if isReusable {
      network.link.release(flight.flow, now: now)
      idle.append(flight.flow)
    } else {
      network.link.close(flight.flow)
    }
  }

  // MARK: The scheduler

  private func tick(_ now: Double) {
    nextTick = now + Sample.interval
    for id in flights.map(\.segment) {
      guard let window = fetches.windows[id], Int64(window.position) > window.reported else {
        continue
      }
      fetches.windows[id]?.reported = Int64(window.position)
      handle(.advanced(id, position: Int64(window.position)), at: now)
    }
    var readings = Readings(engineBusy: network.link.busy[index])
    if network.link.model.client.diskRate <= network.link.model.client.limit {
      readings.diskBusy = readings.engineBusy
    }
    let allowed = network.link.model.client.allowedRate
    if allowed.isFinite, let last = tally.progress.last, now > startedAt + last.0 {
      let rate = Double(scheduler.bytesDone - last.1) / (now - startedAt - last.0)
      readings.held = rate > 0.95 * allowed ? 1 : 0
    }
    var disordered = 0
    for index in flights.indices where flights[index].isNoticed {
      let flow = network.link.flows[flights[index].flow]
      if flow.losses > flights[index].losses { disordered += 1 }
      flights[index].losses = flow.losses
      let smallest = flow.smallestRoundTrip
      readings.smallestRoundTripSeconds = min(
        readings.smallestRoundTripSeconds ?? smallest, smallest)
      readings.roundTripSeconds.append(network.link.noisy(network.link.roundTrip))
    }
    readings.disordered = disordered
    handle(.measured(readings), at: now)
    handle(.tick, at: now)
    tally.progress.append((now - startedAt, scheduler.bytesDone))
  }

  private func handle(_ event: SchedulerEvent, at now: Double) {
    at = now
    handle(event)
  }

  var now: Moment { moment(at: at) }

  /// The pull's own clock, which stands still while nothing is wanted.
  func moment(at now: Double) -> Moment {
    Moment(seconds: max(0, now - startedAt - pausedSeconds))
  }

  func end(_ blob: BlobID) {
    tally.ends[blob.index] = at - startedAt
    unfinished -= 1
    if unfinished == 0, later.isEmpty { finishPull(at: at) }
  }

  private func finishPull(at now: Double) {
    finishedAt = now
    for flight in flights { retire(flight, isReusable: false, at: now) }
    for flow in idle { network.link.close(flow) }
    flights = []
    idle = []
  }
}
