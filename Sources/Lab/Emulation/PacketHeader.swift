/// What the emulator reads in, and changes of, an IPv4 packet with TCP inside.
///
/// Anything else, or anything cut short, has no header here and passes as it is.
package struct PacketHeader {
  /// Where the TCP header begins.
  private let tcp: Int
  private let length: Int

  /// Reads a packet's headers; nil: not an unfragmented TCP packet.
  ///
  /// - Parameter bytes: the whole IP packet.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 40, bytes[0] >> 4 == 4, bytes[9] == 6 else { return nil }
    // A fragment has no TCP header of its own, or half of one.
    guard bytes[6] & 0x3F == 0, bytes[7] == 0 else { return nil }
    tcp = Int(bytes[0] & 0x0F) * 4
    length = bytes.count
    guard tcp >= 20, bytes.count >= tcp + 20 else { return nil }
  }

  /// Names the connection: the client's port, and the server's address and port.
  ///
  /// - Parameters:
  ///   - bytes: the packet.
  ///   - direction: which way it goes.
  package func flow(_ bytes: UnsafeRawBufferPointer, _ direction: EmulatedLink.Direction) -> UInt64
  {
    let source = UInt64(bytes[tcp]) << 8 | UInt64(bytes[tcp + 1])
    let target = UInt64(bytes[tcp + 2]) << 8 | UInt64(bytes[tcp + 3])
    let address = direction == .up ? 16 : 12
    let server = (0..<4).reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[address + $1]) }
    let (client, port) = direction == .up ? (source, target) : (target, source)
    return server << 32 | client << 16 | port
  }

  /// Whether the packet asks for a new connection.
  package func isOpening(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes[tcp + 13] & 0x12 == 0x02 }

  /// By how many bits windows are shifted, from an opening packet's options; nil: no such option.
  package func windowShift(_ bytes: UnsafeRawBufferPointer) -> UInt8? {
    let end = min(tcp + Int(bytes[tcp + 12] >> 4) * 4, length)
    var at = tcp + 20
    while at < end, bytes[at] != 0 {
      if bytes[at] == 1 {
        at += 1
        continue
      }
      guard at + 1 < end, bytes[at + 1] >= 2 else { return nil }
      if bytes[at] == 3, at + 2 < end { return min(14, bytes[at + 2]) }
      at += Int(bytes[at + 1])
    }
    return nil
  }

  /// Lowers the window that the packet announces, and keeps its checksum right.
  ///
  /// - Parameters:
  ///   - bytes: the packet.
  ///   - limit: bytes.
  ///   - shift: the connection's window shift.
  package func limitWindow(_ bytes: UnsafeMutableRawBufferPointer, to limit: Double, shift: UInt8) {
    let old = UInt32(bytes[tcp + 14]) << 8 | UInt32(bytes[tcp + 15])
    let unit = Double(1 << UInt32(shift))
    let new = UInt32(min(65_535, max(1, (limit / unit).rounded(.up))))
    guard new < old else { return }
    bytes[tcp + 14] = UInt8(new >> 8)
    bytes[tcp + 15] = UInt8(new & 0xFF)
    // RFC 1624: the new checksum from the old one and the word that changed.
    var sum = UInt32(bytes[tcp + 16]) << 8 | UInt32(bytes[tcp + 17])
    sum = (~sum & 0xFFFF) + (~old & 0xFFFF) + new
    sum = (sum & 0xFFFF) + (sum >> 16)
    sum = ~((sum & 0xFFFF) + (sum >> 16)) & 0xFFFF
    bytes[tcp + 16] = UInt8(sum >> 8)
    bytes[tcp + 17] = UInt8(sum & 0xFF)
  }
}
