import Emulation
import Testing

@Suite("A packet's header")
struct PacketHeaderTests {
  /// An IPv4 packet with TCP inside, as the kernel would send it.
  static func packet(
    source: UInt16 = 40_000, target: UInt16 = 443, flags: UInt8 = 0x10, window: UInt16 = 65_535,
    options: [UInt8] = []
  ) -> [UInt8] {
    func bytes(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
    var tcp = bytes(source) + bytes(target) + [0, 0, 0, 1, 0, 0, 0, 2]
    tcp += [UInt8((20 + options.count) / 4) << 4, flags] + bytes(window) + [0, 0, 0, 0] + options
    let length = UInt16(20 + tcp.count)
    let address: [UInt8] = [10, 0, 0, 1, 10, 0, 0, 2]
    var packet = [0x45, 0] + bytes(length) + [0, 0, 0x40, 0, 64, 6, 0, 0] + address + tcp
    let sum = checksum(packet)
    packet[36] = UInt8(sum >> 8)
    packet[37] = UInt8(sum & 0xFF)
    return packet
  }

  /// TCP's checksum over the pseudo-header and the segment; 0 for a packet whose checksum is right.
  static func checksum(_ packet: [UInt8]) -> UInt16 {
    let tcp = Array(packet[20...])
    var words =
      Array(packet[12..<20]) + [0, 6, UInt8(tcp.count >> 8), UInt8(tcp.count & 0xFF)] + tcp
    if words.count % 2 == 1 { words.append(0) }
    var sum: UInt32 = 0
    for index in stride(from: 0, to: words.count, by: 2) {
      sum += UInt32(words[index]) << 8 | UInt32(words[index + 1])
    }
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
    return ~UInt16(sum)
  }

  @Test("both directions of a connection have one name, and others have others")
  func namesConnections() throws {
    func flow(_ packet: [UInt8], _ direction: EmulatedLink.Direction) throws -> UInt64 {
      try packet.withUnsafeBytes { try #require(PacketHeader($0)).flow($0, direction) }
    }
    var answer = Self.packet(source: 443, target: 40_000)
    answer.replaceSubrange(12..<20, with: [10, 0, 0, 2, 10, 0, 0, 1])
    let up = try flow(Self.packet(), .up)
    #expect(try flow(answer, .down) == up)
    #expect(try flow(Self.packet(source: 40_001), .up) != up)
    #expect(try flow(Self.packet(target: 8_443), .up) != up)
  }

  @Test("a window is lowered and the checksum stays right", arguments: [0, 7, 10] as [UInt8])
  func limitsWindow(shift: UInt8) {
    for limit in [1.0, 1_500, 40_000, 1e6] {
      for window in [0, 1, 5, 300, 65_535] as [UInt16] {
        var packet = Self.packet(window: window)
        #expect(Self.checksum(packet) == 0)
        packet.withUnsafeMutableBytes {
          PacketHeader(UnsafeRawBufferPointer($0))?.limitWindow($0, to: limit, shift: shift)
        }
        let new = UInt16(packet[34]) << 8 | UInt16(packet[35])
        let unit = Double(1 << UInt32(shift))
        #expect(Self.checksum(packet) == 0, "window \(window), limit \(limit)")
        #expect(new == min(window, UInt16(min(65_535, (limit / unit).rounded(.up)))))
      }
    }
  }

  @Test("an opening packet says by how much its windows are shifted")
  func readsShift() throws {
    func shift(_ options: [UInt8]) throws -> UInt8? {
      try Self.packet(flags: 0x02, options: options).withUnsafeBytes {
        try #require(PacketHeader($0)).windowShift($0)
      }
    }
    #expect(try shift([2, 4, 5, 180, 1, 3, 3, 9]) == 9)
    #expect(try shift([1, 1, 1, 0]) == nil)
    #expect(try shift([3, 3, 200, 0]) == 14)
    #expect(try shift([]) == nil)
    // An option that claims no length would never end.
    #expect(try shift([5, 0, 1, 1]) == nil)
    #expect(try shift([1, 1, 1, 3]) == nil)
  }

  @Test("an opening packet is told from its answer")
  func knowsOpening() throws {
    for (flags, isOpening) in [(0x02, true), (0x12, false), (0x10, false)] as [(UInt8, Bool)] {
      let found = try Self.packet(flags: flags).withUnsafeBytes {
        try #require(PacketHeader($0)).isOpening($0)
      }
      #expect(found == isOpening)
    }
  }

  @Test("what is no whole TCP packet has no header")
  func refusesOthers() {
    var datagram = Self.packet()
    datagram[9] = 17
    var fragment = Self.packet()
    fragment[6] = 0x20
    var other = Self.packet()
    other[0] = 0x65
    var long = Self.packet()
    long[0] = 0x4F
    let packet = Self.packet()
    for bytes in [datagram, fragment, other, long] + (0..<40).map({ Array(packet[..<$0]) }) {
      #expect(bytes.withUnsafeBytes { PacketHeader($0) == nil })
    }
  }
}
