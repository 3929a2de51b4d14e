import Tuning

/// A link, its server and every connection over it, in virtual time.
///
/// A fluid model: in each small step every sender offers what its window allows in a round trip; the
/// line carries as much as it can, the rest queues, and what does not fit the queue is lost. The
/// server's and the client's own limits hold senders back without a queue.
struct VirtualNetwork {
  private(set) var model: LinkModel
  private(set) var flows: [Flow] = []
  /// Bytes in the queue.
  private(set) var queue = 0.0
  /// Bytes that the line carried for clients, in all.
  private(set) var carried = 0.0
  /// Share of each client's own limit that is used, 0 to 1.
  private(set) var busy: [Double]

  private var random: RandomSource
  private var bandwidth: WanderingBandwidth
  private var timetable = LinkTimetable()
  private var desk = ServerDesk()
  private var freeFlows: [Int] = []
  private var demands: [Double]

  /// Idle seconds after which a sender forgets its window.
  private static let idleRestart = 1.0

  init(model: LinkModel, clients: Int, seed: UInt64) {
    self.model = model
    random = RandomSource(seed: seed)
    bandwidth = WanderingBandwidth(seed: ~seed)
    busy = Array(repeating: 0, count: clients)
    demands = busy
  }

  /// Requests that the server is busy with.
  var served: Int { desk.served }

  /// Seconds of one step: short enough to follow a round trip, long enough to be fast.
  var step: Double { min(0.02, max(0.004, model.roundTrip / 4)) }

  /// Seconds of a round trip now, the queue included.
  var roundTrip: Double { model.roundTrip + queue / model.bandwidth }

  /// A reading of a clock on the client: late by an exponentially distributed time.
  mutating func noisy(_ seconds: Double) -> Double {
    guard model.timingNoise > 0 else { return seconds }
    return seconds - model.timingNoise * log(1 - Double.random(in: 0..<1, using: &random))
  }

  // MARK: Connections

  /// Opens a connection and sends a request on it.
  ///
  /// - Returns: the connection and the seconds of its handshakes.
  mutating func open(client: Int, now: Double) -> (flow: Int, connectSeconds: Double) {
    let index = freeFlows.popLast() ?? flows.count
    if index == flows.count { flows.append(Flow()) }
    flows[index].reset(initialWindow: model.initialWindow)
    flows[index].client = client
    flows[index].smallestRoundTrip = noisy(roundTrip)
    flows[index].phase = .idle
    flows[index].idleSince = now
    flows[index].drawLoss(model.loss, &random)
    let connect = Double(1 + model.tlsRoundTrips) * roundTrip + model.tlsSeconds
    return (index, connect)
  }

  /// Sends a request, which the server may refuse for load when it arrives.
  ///
  /// - Parameters:
  ///   - flow: an idle connection.
  ///   - sentAt: when the request leaves, handshakes included.
  ///   - redirected: whether another host is asked first.
  /// - Returns: when the first byte arrives, unless it is refused.
  mutating func request(_ flow: Int, sentAt: Double, redirected: Bool) -> Double {
    if sentAt - flows[flow].idleSince > Self.idleRestart {
      flows[flow].restart(initialWindow: model.initialWindow)
    }
    let trips = redirected ? 2.0 : 1.0
    flows[flow].beginsWithBurst = true
    flows[flow].phase = .busy
    flows[flow].dataFrom = sentAt + trips * (roundTrip + model.server.responseSeconds)
    flows[flow].countedFrom = flows[flow].dataFrom
    flows[flow].counted = 0
    if model.server.connectionLimit == nil {
      _ = desk.take(&flows[flow], model)
    } else {
      flows[flow].arrivesAt = sentAt + (trips - 0.5) * roundTrip
    }
    return flows[flow].dataFrom
  }

  /// A request has arrived at a server that serves so many at a time.
  private mutating func admit(_ flow: Int, at now: Double) {
    if desk.take(&flows[flow], model) { return }
    flows[flow].phase = .refused
    flows[flow].refusedAt = noisy(now + roundTrip / 2)
  }

  /// The response is read to its end.
  mutating func release(_ flow: Int, now: Double) {
    desk.end(&flows[flow])
    flows[flow].phase = .idle
    flows[flow].idleSince = now
  }

  /// The connection is closed, in the middle of a response or not.
  mutating func close(_ flow: Int) {
    desk.end(&flows[flow])
    flows[flow].phase = .free
    freeFlows.append(flow)
  }

  // MARK: Time

  /// Moves on by one step; `delivered` of every connection is what arrived in it.
  mutating func advance(from now: Double, by seconds: Double) {
    applyChanges(now)
    let capacity = bandwidth.next(model, seconds: seconds)
    let trip = roundTrip
    let demand = offer(from: now, by: seconds, roundTrip: trip)
    let overflow = fillQueue(demand: demand, capacity: capacity, seconds: seconds)
    let step = lineStep(
      until: now + seconds, roundTrip: trip, demand: demand, capacity: capacity,
      lossShare: overflow > 0 ? overflow / (demand * seconds) : 0)
    for client in busy.indices { busy[client] = 0 }
    for index in flows.indices where flows[index].demand > 0 {
      let bytes = flows[index].delivered * step.share
      flows[index].delivered = bytes
      flows[index].counted += bytes
      let client = flows[index].client
      if client >= 0 {
        carried += bytes
        busy[client] = min(1, busy[client] + bytes / (model.client.limit * seconds))
      }
      flows[index].follow(
        step, packets: bytes / Flow.packet, offered: flows[index].demand * seconds,
        loss: model.loss, &random)
    }
  }

  /// How all senders meet the line in a step.
  private func lineStep(
    until end: Double, roundTrip: Double, demand: Double, capacity: Double, lossShare: Double
  ) -> LineStep {
    let isFull = queue > 0 || demand >= capacity
    // Slow start sends each window as a burst at twice the line's rate, so half of it must queue.
    let bursts = flows.reduce(0) { sum, flow in
      flow.demand > 0 && flow.isSlowStart ? sum + flow.window * Flow.packet / 2 : sum
    }
    // HyStart's bound: an eighth of the round trip, from 4 to 16 ms.
    let slowStartDelay = min(0.016, max(0.004, model.roundTrip / 8))
    return LineStep(
      end: end, roundTrip: roundTrip, share: isFull && demand > 0 ? capacity / demand : 1,
      lossShare: lossShare, room: model.buffer - queue, bursts: bursts,
      leavesSlowStart: model.leavesSlowStartEarly && queue / model.bandwidth > slowStartDelay)
  }

  /// What every sender offers: its window in a round trip, held back by caps and by its client.
  private mutating func offer(from now: Double, by seconds: Double, roundTrip: Double) -> Double {
    let end = now + seconds
    for client in demands.indices { demands[client] = 0 }
    for index in flows.indices {
      flows[index].demand = 0
      flows[index].delivered = 0
      if let arrival = flows[index].arrivesAt, arrival < end { admit(index, at: arrival) }
      guard flows[index].phase == .busy, flows[index].dataFrom < end else { continue }
      let demand = min(
        flows[index].window * Flow.packet / roundTrip,
        desk.allows(flows[index], model, at: end, in: end - flows[index].dataFrom))
      guard demand > 0 else {
        flows[index].dataFrom = end
        continue
      }
      flows[index].demand = demand
      if flows[index].client >= 0 { demands[flows[index].client] += demand }
    }
    let limit = model.client.limit
    var total = 0.0
    let taken = min(limit, model.client.allowedRate)
    for client in demands.indices { total += min(demands[client], taken) }
    let scale = min(1, desk.rate(model) / max(total, 1))
    var sum = 0.0
    for index in flows.indices where flows[index].demand > 0 {
      let client = flows[index].client
      let isOther = client < 0
      let own = isOther ? 1 : min(1, taken / max(demands[client], 1))
      let demand = flows[index].demand * own * (isOther ? 1 : scale)
      flows[index].demand = demand
      // Everything since its data began, or since the step before, arrives in this one.
      flows[index].delivered = demand * (end - flows[index].dataFrom)
      flows[index].dataFrom = end
      sum += demand
    }
    return sum
  }

  /// Returns the bytes that found no room.
  private mutating func fillQueue(demand: Double, capacity: Double, seconds: Double) -> Double {
    queue = max(0, queue + (demand - capacity) * seconds)
    let overflow = max(0, queue - model.buffer)
    queue -= overflow
    return overflow
  }

  // MARK: Changes

  private mutating func applyChanges(_ now: Double) {
    for change in timetable.changes(of: model, at: now) {
      if let bandwidth = change.bandwidth { model.bandwidth = bandwidth }
      if let roundTrip = change.roundTrip { model.roundTrip = roundTrip }
      if let cap = change.perConnection { model.perConnection = cap }
      if let loss = change.loss {
        model.loss = loss
        for index in flows.indices { flows[index].drawLoss(loss, &random) }
      }
    }
    for traffic in timetable.traffic(of: model, at: now) {
      switch traffic {
      case .begins(let number, let count):
        let begun = (0..<count).map { _ in
          let flow = open(client: -1, now: now).flow
          flows[flow].phase = .busy
          flows[flow].dataFrom = now
          return flow
        }
        timetable.note(begun, of: number)
      case .ends(let ended):
        for flow in ended {
          flows[flow].phase = .free
          freeFlows.append(flow)
        }
      }
    }
  }
}
