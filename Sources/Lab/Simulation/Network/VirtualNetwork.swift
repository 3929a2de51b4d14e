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
  /// Requests that the server is busy with.
  private(set) var served = 0
  /// Bytes that the line carried for clients, in all.
  private(set) var carried = 0.0
  /// Share of each client's own limit that is used, 0 to 1.
  private(set) var busy: [Double]

  private var random: RandomSource
  /// The bandwidth's own, so that it wanders alike whatever the connections do.
  private var bandwidthRandom: RandomSource
  private var freeFlows: [Int] = []
  private var noise = 0.0
  private var changesDone = 0
  private var crossFlows: [Int: [Int]] = [:]
  private var demands: [Double]

  /// Seconds over which the bandwidth's noise is remembered.
  private static let noiseMemory = 1.0
  /// Share of the other connections' bursts of slow start that meets one's own.
  private static let overlap = 0.4
  /// Idle seconds after which a sender forgets its window.
  private static let idleRestart = 1.0

  init(model: LinkModel, clients: Int, seed: UInt64) {
    self.model = model
    random = RandomSource(seed: seed)
    bandwidthRandom = RandomSource(seed: ~seed)
    busy = Array(repeating: 0, count: clients)
    demands = busy
  }

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
    drawLoss(index)
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
      serve(flow)
    } else {
      flows[flow].arrivesAt = sentAt + (trips - 0.5) * roundTrip
    }
    return flows[flow].dataFrom
  }

  private mutating func serve(_ flow: Int) {
    flows[flow].arrivesAt = nil
    flows[flow].isServed = true
    served += 1
  }

  /// A request has arrived at a server that serves so many at a time.
  private mutating func admit(_ flow: Int, at now: Double) {
    guard served >= model.server.connectionLimit ?? .max else {
      serve(flow)
      return
    }
    flows[flow].arrivesAt = nil
    flows[flow].phase = .refused
    flows[flow].refusedAt = noisy(now + roundTrip / 2)
  }

  private mutating func stopServing(_ flow: Int) {
    if flows[flow].isServed { served -= 1 }
    flows[flow].isServed = false
    flows[flow].arrivesAt = nil
    flows[flow].delivered = 0
  }

  /// The response is read to its end.
  mutating func release(_ flow: Int, now: Double) {
    stopServing(flow)
    flows[flow].phase = .idle
    flows[flow].idleSince = now
  }

  /// The connection is closed, in the middle of a response or not.
  mutating func close(_ flow: Int) {
    stopServing(flow)
    flows[flow].phase = .free
    freeFlows.append(flow)
  }

  private mutating func drawLoss(_ index: Int) {
    guard model.loss > 0 else {
      flows[index].packetsToLoss = .infinity
      return
    }
    flows[index].packetsToLoss = -log(1 - Double.random(in: 0..<1, using: &random)) / model.loss
  }

  // MARK: Time

  /// Moves on by one step; `delivered` of every connection is what arrived in it.
  mutating func advance(from now: Double, by seconds: Double) {
    applyChanges(now)
    let capacity = noisyBandwidth(seconds)
    let trip = roundTrip
    let demand = offer(from: now, by: seconds, roundTrip: trip)
    let overflow = fillQueue(demand: demand, capacity: capacity, seconds: seconds)
    let isFull = queue > 0 || demand >= capacity
    let share = isFull && demand > 0 ? capacity / demand : 1
    let room = model.buffer - queue
    // Slow start sends each window as a burst at twice the line's rate, so half of it must queue.
    let burst = flows.reduce(0) { sum, flow in
      flow.demand > 0 && flow.isSlowStart ? sum + flow.window * Flow.packet / 2 : sum
    }
    let lossShare = overflow > 0 ? overflow / (demand * seconds) : 0
    // HyStart's bound: an eighth of the round trip, from 4 to 16 ms.
    let slowStartDelay = min(0.016, max(0.004, model.roundTrip / 8))
    let leaves = model.leavesSlowStartEarly && queue / model.bandwidth > slowStartDelay
    for client in busy.indices { busy[client] = 0 }
    for index in flows.indices where flows[index].demand > 0 {
      let bytes = flows[index].delivered * share
      flows[index].delivered = bytes
      flows[index].counted += bytes
      let client = flows[index].client
      if client >= 0 {
        carried += bytes
        busy[client] = min(1, busy[client] + bytes / (model.client.limit * seconds))
      }
      follow(
        index, packets: bytes / Flow.packet, now: now + seconds, roundTrip: trip,
        bursts: burst, room: room,
        lossShare: lossShare, leavesSlowStart: leaves, offered: flows[index].demand * seconds)
    }
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
        serverAllows(flows[index], at: end, in: end - flows[index].dataFrom))
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
    let scale = min(1, serverRate / max(total, 1))
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

  /// Bytes per second that the server gives a connection now.
  private func serverAllows(_ flow: Flow, at now: Double, in seconds: Double) -> Double {
    guard model.perConnectionBySecond, flow.client >= 0 else { return model.perConnection }
    let whole = (now - flow.countedFrom).rounded(.down) + 1
    return max(0, model.perConnection * whole - flow.counted) / seconds
  }

  /// Bytes per second that the server sends to all clients together.
  private var serverRate: Double {
    let server = model.server
    guard let beyond = server.overloadBeyond, served > beyond else { return server.rate }
    let peak = min(server.rate, model.bandwidth, Double(beyond) * model.perConnection)
    return peak / (1 + server.overloadSlope * Double(served - beyond))
  }

  /// Returns the bytes that found no room.
  private mutating func fillQueue(demand: Double, capacity: Double, seconds: Double) -> Double {
    queue = max(0, queue + (demand - capacity) * seconds)
    let overflow = max(0, queue - model.buffer)
    queue -= overflow
    return overflow
  }

  /// What became of a sender's packets, and what it does about it.
  private mutating func follow(
    _ index: Int, packets: Double, now: Double, roundTrip: Double, bursts: Double, room: Double,
    lossShare: Double,
    leavesSlowStart: Bool, offered: Double
  ) {
    var isLost = false
    flows[index].packetsToLoss -= packets
    if flows[index].packetsToLoss <= 0 {
      isLost = true
      drawLoss(index)
    }
    if lossShare > 0 {
      let expected = offered / Flow.packet * lossShare
      isLost = isLost || happens(expected: expected)
    }
    let window = flows[index].window
    if flows[index].beginsWithBurst {
      // After a pause a window is sent at once, without acknowledgements to pace it.
      flows[index].beginsWithBurst = false
      isLost = isLost || happens(expected: window - max(room / Flow.packet, 4))
    }
    if flows[index].isSlowStart {
      // Connections that began together burst together, more or less.
      let own = window * Flow.packet / 2
      let burst = own + Self.overlap * (bursts - own)
      let share = 1 - max(room, 4 * Flow.packet) / burst
      isLost = isLost || happens(expected: packets * share)
      if leavesSlowStart, window >= 16 { flows[index].leaveSlowStart() }
    }
    if isLost {
      flows[index].lose(now: now, roundTrip: roundTrip)
      return
    }
    // A sender that something else holds back does not grow its window.
    let isWindowLimited = flows[index].demand >= 0.6 * window * Flow.packet / roundTrip
    if isWindowLimited { flows[index].grow(acknowledged: packets, now: now) }
  }

  /// Whether at least one of so many expected losses happens.
  private mutating func happens(expected: Double) -> Bool {
    expected > 0 && Double.random(in: 0..<1, using: &random) > exp(-expected)
  }

  private mutating func noisyBandwidth(_ seconds: Double) -> Double {
    guard model.rateNoise > 0 else { return model.bandwidth }
    let pull = seconds / Self.noiseMemory
    var gaussian = -6.0
    for _ in 0..<12 { gaussian += Double.random(in: 0..<1, using: &bandwidthRandom) }
    noise += -noise * pull + model.rateNoise * (2 * pull).squareRoot() * gaussian
    return model.bandwidth * max(0.1, 1 + noise)
  }

  // MARK: Changes

  private mutating func applyChanges(_ now: Double) {
    while changesDone < model.changes.count, model.changes[changesDone].at <= now {
      let change = model.changes[changesDone]
      changesDone += 1
      if let bandwidth = change.bandwidth { model.bandwidth = bandwidth }
      if let roundTrip = change.roundTrip { model.roundTrip = roundTrip }
      if let cap = change.perConnection { model.perConnection = cap }
      if let loss = change.loss {
        model.loss = loss
        for index in flows.indices { drawLoss(index) }
      }
    }
    for (number, traffic) in model.crossTraffic.enumerated() {
      let isOn = traffic.from <= now && now < traffic.until
      if isOn, crossFlows[number] == nil {
        crossFlows[number] = (0..<traffic.flows).map { _ in
          let flow = open(client: -1, now: now).flow
          flows[flow].phase = .busy
          flows[flow].dataFrom = now
          return flow
        }
      } else if !isOn, let ended = crossFlows.removeValue(forKey: number) {
        for flow in ended {
          flows[flow].phase = .free
          freeFlows.append(flow)
        }
      }
    }
  }
}
