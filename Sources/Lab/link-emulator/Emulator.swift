import Emulation
import Glibc
import Simulation

/// Carries packets between two devices as a link model says.
///
/// One thread does everything: it takes in what waits at both devices, hands out what is due, and
/// sleeps. While packets are on their way it wakes every `quantum`, which is much cheaper than once for
/// each packet and moves none by more than that.
struct Emulator {
  private let client: TunDevice
  private let server: TunDevice
  private let store = PacketStore(slots: 32_768)
  private var down: EmulatedLink
  private var up: EmulatedLink
  private var shifts: [UInt64: UInt8] = [:]
  /// Connections since the counters began; who sends an opening packet again opens no other.
  private var opened: Set<UInt64> = []
  /// Packets that were lost here and not by the model: no room for them, or the kernel took them not back.
  private var overruns = 0
  private var longestSleep: Int64 = 0
  private var startedAt: Int64
  private var cpuAtStart = 0.0

  /// Nanoseconds between two looks at the devices while packets are on their way.
  private static let quantum: Int64 = 150_000
  /// Packets that are read from one device before the other gets its turn.
  private static let batch = 256

  init(model: LinkModel, client: TunDevice, server: TunDevice) {
    self.client = client
    self.server = server
    down = EmulatedLink(model: model, direction: .down, seed: 1)
    up = EmulatedLink(model: model, direction: .up, seed: 2)
    startedAt = Self.now()
    restart(seed: 1)
  }

  /// Carries packets until standard input ends; each line of it is a command.
  mutating func run() {
    while true {
      let before = Self.now()
      takeIn(server, .down, before)
      takeIn(client, .up, before)
      handOut(before)
      if down.nextEvent == nil, up.nextEvent == nil {
        guard waitForInput(timeout: nil) else { return }
      } else {
        sleep(Self.quantum - (Self.now() - before))
        guard waitForInput(timeout: 0) else { return }
      }
    }
  }

  // MARK: Packets

  private mutating func takeIn(
    _ device: TunDevice, _ direction: EmulatedLink.Direction, _ now: Int64
  ) {
    for _ in 0..<Self.batch {
      guard let slot = store.take() else {
        overruns += 1
        return
      }
      guard let size = device.read(into: store.room(slot)) else {
        store.release(slot)
        return
      }
      let bytes = store.bytes(slot, size)
      let packet = Packet(handle: slot, size: size, flow: inspect(bytes, direction))
      let isTaken =
        direction == .down ? down.send(packet, at: now) : up.send(packet, at: now)
      if !isTaken { store.release(slot) }
    }
  }

  /// Finds the packet's connection, and holds its window to what the connection's cap needs.
  private mutating func inspect(
    _ bytes: UnsafeMutableRawBufferPointer, _ direction: EmulatedLink.Direction
  ) -> UInt64 {
    let readable = UnsafeRawBufferPointer(bytes)
    guard let header = PacketHeader(readable) else { return 0 }
    let flow = header.flow(readable, direction)
    guard direction == .up else { return flow }
    if header.isOpening(readable) {
      opened.insert(flow)
      shifts[flow] = header.windowShift(readable) ?? 0
    } else if let limit = down.windowLimit(of: flow) {
      header.limitWindow(bytes, to: limit, shift: shifts[flow] ?? 0)
    }
    return flow
  }

  private mutating func handOut(_ now: Int64) {
    while let (packet, arrives) = down.receive(at: now) {
      if arrives { hand(packet, to: client) }
      store.release(packet.handle)
    }
    while let (packet, arrives) = up.receive(at: now) {
      if arrives { hand(packet, to: server) }
      store.release(packet.handle)
    }
  }

  private mutating func hand(_ packet: Packet, to device: TunDevice) {
    if !device.write(.init(store.bytes(packet.handle, packet.size))) { overruns += 1 }
  }

  // MARK: Time

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private mutating func sleep(_ nanoseconds: Int64) {
    guard nanoseconds > 0 else { return }
    var time = timespec(tv_sec: 0, tv_nsec: Int(nanoseconds))
    let before = Self.now()
    nanosleep(&time, nil)
    longestSleep = max(longestSleep, Self.now() - before)
  }

  /// Waits for packets and commands; false when standard input has ended.
  private mutating func waitForInput(timeout: Int32?) -> Bool {
    var waiting = [pollfd(fd: 0, events: Int16(POLLIN), revents: 0)]
    if timeout == nil {
      waiting.append(pollfd(fd: client.descriptor, events: Int16(POLLIN), revents: 0))
      waiting.append(pollfd(fd: server.descriptor, events: Int16(POLLIN), revents: 0))
    }
    guard poll(&waiting, nfds_t(waiting.count), timeout ?? -1) > 0, waiting[0].revents != 0 else {
      return true
    }
    guard let command = readLine() else { return false }
    obey(command)
    return true
  }

  // MARK: Commands

  private mutating func obey(_ command: String) {
    let words = command.split(separator: " ")
    switch (words.first, words.dropFirst().first.flatMap { UInt64($0) }) {
    case ("restart", let seed?):
      restart(seed: seed)
      print("{}")
    case ("counters", nil):
      print(counters())
    default:
      print("{\"error\": \"unknown command\"}")
    }
    fflush(nil)
  }

  private mutating func restart(seed: UInt64) {
    let now = Self.now()
    startedAt = now
    down.restart(at: now, seed: seed)
    up.restart(at: now, seed: seed)
    opened = []
    overruns = 0
    longestSleep = 0
    cpuAtStart = Self.cpuSeconds()
  }

  private func counters() -> String {
    func show(_ link: EmulatedLink) -> String {
      let counters = link.counters
      return "{\"packets\": \(counters.packets), \"bytes\": \(counters.bytes), "
        + "\"dropped\": \(counters.dropped), \"lost\": \(counters.lost), "
        + "\"longestQueue\": \(counters.longestQueue), \"meanNoise\": \(counters.meanNoise)}"
    }
    let seconds = Double(Self.now() - startedAt) / 1e9
    return "{\"seconds\": \(seconds), \"cpuSeconds\": \(Self.cpuSeconds() - cpuAtStart), "
      + "\"connections\": \(opened.count), \"overruns\": \(overruns), "
      + "\"longestSleepMs\": \(Double(longestSleep) / 1e6), "
      + "\"down\": \(show(down)), \"up\": \(show(up))}"
  }

  private static func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}
