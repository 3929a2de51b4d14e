package import Simulation
import Tuning

/// One direction of an emulated network path, packet by packet, as a link model describes it.
///
/// A packet passes four stages: its connection's cap, which makes it wait without a loss; the queue in
/// front of the narrowest part, which drops what finds no room; that part, which takes
/// `size / bandwidth` for each packet and loses some of them at random; and half a round trip.
///
/// Pure: the time is passed in, in nanoseconds of any clock that does not go backwards, and the packets
/// themselves stay with the caller. Sizes count the whole IP packet.
package struct EmulatedLink {
  /// Which way the packets go.
  package enum Direction: Sendable {
    /// From the server to the client: everything in the model holds.
    case down
    /// From the client to the server: the same line, without caps, random losses and noise.
    case up
  }

  /// What happened to packets since the start.
  package struct Counters: Sendable, Equatable {
    /// Packets and bytes that reached the far end, or are certain to.
    package var packets = 0
    /// Bytes of these.
    package var bytes = 0
    /// Packets that found no room in the queue.
    package var dropped = 0
    /// Packets that were lost at random.
    package var lost = 0
    /// The longest queue, in bytes.
    package var longestQueue = 0
    /// Mean of the bandwidth's noise, as a share of the bandwidth.
    package var meanNoise = 0.0
  }

  /// What happened since the start.
  package private(set) var counters = Counters()
  /// Bytes in the queue now.
  package private(set) var queuedBytes = 0

  private let direction: Direction
  private let original: LinkModel
  private var model: LinkModel
  private var random: RandomSource
  /// The noise's own, so that the bandwidth wanders alike whatever packets there are.
  private var noiseRandom: RandomSource
  private var start: Int64 = 0
  private var changesDone = 0
  private var noise = 0.0
  private var noiseAt: Int64 = 0
  private var noiseDraws = 0

  private var shapers: [UInt64: Shaper] = [:]
  private var shaped = EventHeap()
  private var queue = RingBuffer<Packet>()
  private var serviceEnd: Int64 = 0
  private var flight = RingBuffer<Arrival>()
  private var lastDue: Int64 = 0

  private struct Arrival {
    var due: Int64
    var packet: Packet
  }

  /// Nanoseconds between two draws of the bandwidth's noise.
  private static let noiseStep: Int64 = 20_000_000
  /// Seconds over which the noise is remembered, as in the simulator.
  private static let noiseMemory = 1.0

  /// Makes an idle link.
  ///
  /// - Parameters:
  ///   - model: the path.
  ///   - direction: which way this one goes.
  ///   - seed: of its random losses and noise.
  package init(model: LinkModel, direction: Direction, seed: UInt64) {
    self.direction = direction
    original = model
    self.model = model
    random = RandomSource(seed: seed)
    noiseRandom = RandomSource(seed: ~seed)
  }

  /// Begins the model's time again: its changes count from now, and so do the counters.
  ///
  /// Packets on their way stay on it.
  ///
  /// - Parameters:
  ///   - now: when.
  ///   - seed: of the losses and the noise from here on.
  package mutating func restart(at now: Int64, seed: UInt64) {
    random = RandomSource(seed: seed)
    noiseRandom = RandomSource(seed: ~seed)
    start = now
    noiseAt = now
    noise = 0
    noiseDraws = 0
    changesDone = 0
    model = original
    counters = Counters()
    // A connection whose cap has long passed has no history worth keeping.
    shapers = shapers.filter { $0.value.free > now }
  }

  /// Bytes of payload that a capped connection may have on its way, so that its sender neither
  /// stalls nor queues.
  ///
  /// A server that gives each connection a rate does so by its send buffer or its pacing, and no
  /// packet of the connection waits anywhere. Here packets above the cap do wait, so the window that
  /// the client announces is held to what the cap needs.
  ///
  /// - Parameter flow: the connection.
  /// - Returns: nil where connections have no cap.
  package func windowLimit(of flow: UInt64) -> Double? {
    guard model.perConnection.isFinite else { return nil }
    let trip = model.roundTrip + Double(queuedBytes) / model.bandwidth
    let packets = (model.perConnection * trip / Shaper.packetBytes).rounded(.up)
    return (packets + Double(shapers[flow]?.slack ?? 1)) * Shaper.payloadBytes
  }

  /// Takes a packet in.
  ///
  /// - Parameters:
  ///   - packet: its handle, size and connection.
  ///   - now: not before any time passed in earlier.
  /// - Returns: false when the packet was dropped at once; its handle is the caller's again.
  @discardableResult
  package mutating func send(_ packet: Packet, at now: Int64) -> Bool {
    advance(to: now)
    guard direction == .down, model.perConnection.isFinite, packet.flow != 0 else {
      return enqueue(packet, at: now)
    }
    let ready = shapers[packet.flow, default: Shaper()].take(
      Self.nanoseconds(Double(packet.size) / model.perConnection), at: now,
      roundTrip: Self.nanoseconds(model.roundTrip))
    guard ready > now else { return enqueue(packet, at: now) }
    shaped.push(packet, at: ready)
    return true
  }

  /// The next packet that left the link by `now`, and whether it arrives: lost and dropped ones do not.
  package mutating func receive(at now: Int64) -> (packet: Packet, arrives: Bool)? {
    advance(to: now)
    if let packet = discarded.removeFirst() { return (packet, false) }
    guard let first = flight.first, first.due <= now else { return nil }
    flight.removeFirst()
    return (first.packet, true)
  }

  /// When something happens next, in nanoseconds; nil while no packet is on its way.
  package var nextEvent: Int64? {
    var next = Int64.max
    if !discarded.isEmpty { return start }
    if let first = flight.first { next = first.due }
    if !queue.isEmpty { next = min(next, serviceEnd) }
    if let ready = shaped.nextTime { next = min(next, ready) }
    return next == .max ? nil : next
  }

  // MARK: Stages

  private var discarded = RingBuffer<Packet>()

  private mutating func enqueue(_ packet: Packet, at now: Int64) -> Bool {
    guard queuedBytes + packet.size <= Int(bufferBytes) else {
      counters.dropped += 1
      return false
    }
    if queue.isEmpty { serviceEnd = max(serviceEnd, now) + serviceTime(packet) }
    queue.append(packet)
    queuedBytes += packet.size
    counters.longestQueue = max(counters.longestQueue, queuedBytes)
    return true
  }

  /// Acknowledgements never queue in the model, so the way up has room enough.
  private var bufferBytes: Double { direction == .down ? model.buffer : 16 * 1_048_576 }

  private func serviceTime(_ packet: Packet) -> Int64 {
    Self.nanoseconds(Double(packet.size) / (model.bandwidth * max(0.1, 1 + noise)))
  }

  private static func nanoseconds(_ seconds: Double) -> Int64 { Int64((seconds * 1e9).rounded()) }

  /// Does everything that happens until `now`, in its order.
  private mutating func advance(to now: Int64) {
    applyChanges(now)
    while true {
      let ready = shaped.nextTime ?? .max
      let served = queue.isEmpty ? .max : serviceEnd
      guard min(ready, served) <= now else { return }
      if served <= ready {
        finishService()
      } else if let packet = shaped.pop(), !enqueue(packet, at: ready) {
        discarded.append(packet)
      }
    }
  }

  private mutating func finishService() {
    guard let packet = queue.removeFirst() else { return }
    queuedBytes -= packet.size
    let end = serviceEnd
    if let next = queue.first { serviceEnd += serviceTime(next) }
    if direction == .down, model.loss > 0, Double.random(in: 0..<1, using: &random) < model.loss {
      counters.lost += 1
      discarded.append(packet)
      return
    }
    counters.packets += 1
    counters.bytes += packet.size
    // A line that becomes shorter does not let packets overtake each other.
    lastDue = max(lastDue, end + Self.nanoseconds(model.roundTrip / 2))
    flight.append(Arrival(due: lastDue, packet: packet))
  }

  private mutating func applyChanges(_ now: Int64) {
    while changesDone < model.changes.count,
      start + Self.nanoseconds(model.changes[changesDone].at) <= now
    {
      let change = model.changes[changesDone]
      changesDone += 1
      model.bandwidth = change.bandwidth ?? model.bandwidth
      model.roundTrip = change.roundTrip ?? model.roundTrip
      model.perConnection = change.perConnection ?? model.perConnection
      model.loss = change.loss ?? model.loss
    }
    guard direction == .down, model.rateNoise > 0 else { return }
    // After a long idle time the noise of then is forgotten.
    noiseAt = max(noiseAt, now - 250 * Self.noiseStep)
    while noiseAt + Self.noiseStep <= now {
      noiseAt += Self.noiseStep
      drawNoise()
    }
  }

  /// The simulator's noise: a mean-reverting walk.
  private mutating func drawNoise() {
    let pull = Double(Self.noiseStep) / 1e9 / Self.noiseMemory
    var gaussian = -6.0
    for _ in 0..<12 { gaussian += Double.random(in: 0..<1, using: &noiseRandom) }
    noise += -noise * pull + model.rateNoise * (2 * pull).squareRoot() * gaussian
    noiseDraws += 1
    counters.meanNoise += (noise - counters.meanNoise) / Double(noiseDraws)
  }
}
