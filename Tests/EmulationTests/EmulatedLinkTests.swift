@testable import Emulation
@testable import Simulation
import Testing

/// One packet down a link: when it was sent and when it came out.
private struct Passage: Equatable {
  var handle: Int
  var seconds: Double
}

@Suite("An emulated link")
struct EmulatedLinkTests {
  /// 12 Mbit/s: a packet of 1,500 bytes takes a millisecond.
  static func model(_ change: (inout LinkModel) -> Void = { _ in }) -> LinkModel {
    var model = LinkModel(name: "test", bandwidth: 1.5e6, roundTrip: 0.04, buffer: 15_000)
    change(&model)
    return model
  }

  static func link(
    _ direction: EmulatedLink.Direction = .down, seed: UInt64 = 1,
    _ change: (inout LinkModel) -> Void = { _ in }
  ) -> EmulatedLink {
    EmulatedLink(model: model(change), direction: direction, seed: seed)
  }

  /// Lets everything out, event by event.
  private func drain(_ link: inout EmulatedLink) -> [Passage] {
    var out: [Passage] = []
    while let time = link.nextEvent {
      while let (packet, arrives) = link.receive(at: time) {
        if arrives { out.append(Passage(handle: packet.handle, seconds: Double(time) / 1e9)) }
      }
    }
    return out
  }

  @Test("a packet takes its time on the line and half a round trip")
  func delays() {
    var link = Self.link()
    link.send(Packet(handle: 7, size: 1_500), at: 0)
    #expect(drain(&link) == [Passage(handle: 7, seconds: 0.021)])
    #expect(link.nextEvent == nil)
  }

  @Test("packets leave in order, one line's time apart")
  func serialises() {
    var link = Self.link()
    for handle in 0..<5 { link.send(Packet(handle: handle, size: 1_500), at: 0) }
    let out = drain(&link)
    #expect(out.map(\.handle) == [0, 1, 2, 3, 4])
    #expect(out.map(\.seconds) == [0.021, 0.022, 0.023, 0.024, 0.025])
  }

  @Test("the queue takes what its buffer holds and drops the rest at once")
  func dropsTail() {
    var link = Self.link()
    let taken = (0..<12).map { link.send(Packet(handle: $0, size: 1_500), at: 0) }
    #expect(taken == Array(repeating: true, count: 10) + [false, false])
    #expect(link.counters.dropped == 2)
    #expect(link.counters.longestQueue == 15_000)
    // A millisecond later one has left.
    let isTaken = link.send(Packet(handle: 12, size: 1_500), at: 1_000_000)
    #expect(isTaken)
    #expect(drain(&link).count == 11)
    #expect(link.counters.packets == 11)
    #expect(link.counters.bytes == 11 * 1_500)
  }

  @Test("a capped connection waits without a loss, and others pass it")
  func capsConnections() {
    // A tenth of the line for each connection: ten milliseconds a packet.
    var link = Self.link { $0.perConnection = 1.5e5 }
    for handle in 0..<30 { link.send(Packet(handle: handle, size: 1_500, flow: 1), at: 0) }
    link.send(Packet(handle: 99, size: 1_500, flow: 2), at: 0)
    let out = drain(&link)
    #expect(out.count == 31)
    #expect(out.map(\.handle).prefix(3) == [0, 99, 1])
    #expect(out.first { $0.handle == 29 }?.seconds == 0.311)
    #expect(link.counters.dropped == 0)
  }

  @Test("a datagram belongs to no connection and is not capped")
  func leavesDatagrams() {
    var link = Self.link { $0.perConnection = 1.5e5 }
    for handle in 0..<3 { link.send(Packet(handle: handle, size: 1_500), at: 0) }
    #expect(drain(&link).last?.seconds == 0.023)
  }

  @Test("what waits for its cap may still find the queue full, and comes back as not arriving")
  func dropsAfterTheCap() {
    var link = Self.link {
      $0.perConnection = 3e6
      $0.buffer = 3_000
    }
    for handle in 0..<8 { link.send(Packet(handle: handle, size: 1_500, flow: 1), at: 0) }
    var arrived = 0
    var lost = 0
    while let time = link.nextEvent {
      while let (_, arrives) = link.receive(at: time) { arrives ? (arrived += 1) : (lost += 1) }
    }
    #expect(arrived + lost == 8)
    #expect(lost == link.counters.dropped)
    #expect(lost > 0)
  }

  @Test("the share of lost packets is the model's", arguments: [0.005, 0.05])
  func loses(share: Double) {
    var link = Self.link { $0.loss = share }
    let count = Int(1_000 / share)
    var arrived = 0
    for number in 0..<count {
      let now = Int64(number) * 1_000_000
      link.send(Packet(handle: number, size: 1_500), at: now)
      while let (_, arrives) = link.receive(at: now) { arrived += arrives ? 1 : 0 }
    }
    arrived += drain(&link).count
    let measured = Double(count - arrived) / Double(count)
    // A thousand expected losses: five standard deviations are 16 %.
    #expect(abs(measured / share - 1) < 0.16)
    #expect(link.counters.lost == count - arrived)
  }

  @Test("equal seeds lose the same packets, others do not")
  func repeats() {
    func lost(seed: UInt64, restarting: UInt64? = nil) -> [Int] {
      var link = Self.link(seed: seed) { $0.loss = 0.1 }
      if let restarting { link.restart(at: 0, seed: restarting) }
      for number in 0..<200 {
        link.send(Packet(handle: number, size: 1_500), at: Int64(number) * 1_000_000)
      }
      var lost: [Int] = []
      while let time = link.nextEvent {
        while let (packet, arrives) = link.receive(at: time) {
          if !arrives { lost.append(packet.handle) }
        }
      }
      return lost
    }
    #expect(lost(seed: 1) == lost(seed: 1))
    #expect(lost(seed: 1) != lost(seed: 2))
    #expect(!lost(seed: 1).isEmpty)
    #expect(lost(seed: 5, restarting: 1) == lost(seed: 1))
  }

  @Test("changes come at their time after the start, and again after a restart")
  func changes() {
    var link = Self.link {
      $0.changes = [.init(at: 1, bandwidth: 1.5e5, roundTrip: 0.1, perConnection: nil, loss: nil)]
    }
    func seconds(at now: Int64) -> Double {
      link.send(Packet(handle: 0, size: 1_500), at: now)
      return (drain(&link).last?.seconds ?? 0) - Double(now) / 1e9
    }
    #expect(abs(seconds(at: 0) - 0.021) < 1e-6)
    #expect(abs(seconds(at: 1_000_000_000) - 0.06) < 1e-6)
    link.restart(at: 5_000_000_000, seed: 1)
    #expect(abs(seconds(at: 5_500_000_000) - 0.021) < 1e-6)
    #expect(abs(seconds(at: 6_500_000_000) - 0.06) < 1e-6)
  }

  @Test("a line that becomes shorter lets no packet overtake another")
  func keepsOrder() {
    var link = Self.link {
      $0.changes = [
        .init(at: 0.002, bandwidth: nil, roundTrip: 0.002, perConnection: nil, loss: nil)
      ]
    }
    for handle in 0..<6 {
      link.send(Packet(handle: handle, size: 1_500), at: Int64(handle) * 1_000_000)
    }
    #expect(drain(&link).map(\.handle) == Array(0..<6))
  }

  @Test("noise moves the bandwidth about its mean, by about as much as the model says")
  func wanders() {
    var link = Self.link { $0.rateNoise = 0.2 }
    // A minute and a half of a full queue: twice what the line takes.
    var now: Int64 = 0
    for number in 0..<180_000 {
      link.send(Packet(handle: number, size: 1_500), at: now)
      while link.receive(at: now) != nil {}
      now += 500_000
    }
    let rate = Double(link.counters.bytes) / (Double(now) / 1e9)
    #expect(abs(rate / 1.5e6 - 1 - link.counters.meanNoise) < 0.02)
    #expect(abs(link.counters.meanNoise) < 0.1)
    #expect(link.counters.dropped > 0)
  }

  @Test("the way up has neither cap nor loss")
  func sparesTheWayUp() {
    var link = Self.link(.up) {
      $0.loss = 0.2
      $0.perConnection = 1_500
    }
    for handle in 0..<100 { link.send(Packet(handle: handle, size: 40, flow: 1), at: 0) }
    #expect(drain(&link).count == 100)
  }

  @Test("a capped connection's window is what its cap needs, and more while the queue is long")
  func limitsWindows() throws {
    #expect(Self.link().windowLimit(of: 1) == nil)
    var link = Self.link { $0.perConnection = 1.5e5 }
    // 40 ms of 150 kB/s are four packets, and one is to spare.
    #expect(try #require(link.windowLimit(of: 1)) == 5 * 1_448)
    for handle in 0..<10 { link.send(Packet(handle: handle, size: 1_500), at: 0) }
    #expect(try #require(link.windowLimit(of: 1)) == 6 * 1_448)
  }

  @Test(
    "a window grows while its sender stalls and shrinks while its packets wait",
    arguments: [0.04, 0.043, 0.05])
  func followsTheSender(trip: Double) throws {
    // A sender that fills its window, over a path that takes longer than the model says.
    var shaper = Shaper()
    let packet: Int64 = 600_000
    let base = Int((0.04 / 0.0006).rounded(.up))
    var underway: [Int64] = []
    var gone: [Int64] = []
    var now: Int64 = 0
    while now < 4_000_000_000 {
      underway.removeAll { $0 <= now }
      while underway.count < base + shaper.slack {
        let ready = shaper.take(packet, at: now, roundTrip: 40_000_000)
        underway.append(ready + Int64(trip * 1e9))
        gone.append(ready)
      }
      now += 100_000
    }
    let late = gone.filter { (2_000_000_000..<3_900_000_000).contains($0) }
    let rate = Double(late.count) * 0.0006 / 1.9
    let needed = trip / 0.0006
    #expect(needed > Double(base) + 12 || abs(rate - 1) < 0.03)
    #expect(Double(base + shaper.slack) < needed + 5)
  }
}
