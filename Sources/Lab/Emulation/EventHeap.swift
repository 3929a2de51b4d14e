/// Packets by the time at which they go on; equal times keep their order.
struct EventHeap {
  private struct Entry {
    var time: Int64
    var number: UInt64
    var packet: Packet

    static func < (left: Entry, right: Entry) -> Bool {
      (left.time, left.number) < (right.time, right.number)
    }
  }

  private var entries: [Entry] = []
  private var nextNumber: UInt64 = 0

  var nextTime: Int64? { entries.first?.time }

  mutating func push(_ packet: Packet, at time: Int64) {
    entries.append(Entry(time: time, number: nextNumber, packet: packet))
    nextNumber += 1
    var child = entries.count - 1
    while child > 0, entries[child] < entries[(child - 1) / 2] {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Packet? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    guard !entries.isEmpty else { return first.packet }
    entries[0] = last
    var parent = 0
    while true {
      let left = 2 * parent + 1
      guard left < entries.count else { break }
      let right = left + 1
      let child = right < entries.count && entries[right] < entries[left] ? right : left
      guard entries[child] < entries[parent] else { break }
      entries.swapAt(child, parent)
      parent = child
    }
    return first.packet
  }
}
