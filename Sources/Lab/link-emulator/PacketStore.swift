/// Room for packets on their way, in slots of one size.
final class PacketStore {
  private let memory: UnsafeMutableRawPointer
  private var free: [Int]

  init(slots: Int) {
    memory = .allocate(byteCount: slots * TunDevice.packetCapacity, alignment: 64)
    free = Array((0..<slots).reversed())
  }

  deinit { memory.deallocate() }

  /// A slot for a packet; nil: too many are on their way.
  func take() -> Int? { free.popLast() }

  func release(_ slot: Int) { free.append(slot) }

  func room(_ slot: Int) -> UnsafeMutableRawBufferPointer {
    .init(start: memory + slot * TunDevice.packetCapacity, count: TunDevice.packetCapacity)
  }

  func bytes(_ slot: Int, _ size: Int) -> UnsafeMutableRawBufferPointer {
    .init(start: memory + slot * TunDevice.packetCapacity, count: size)
  }
}
