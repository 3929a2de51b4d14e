/// gzip without compressing anything: one stored block (RFC 1952, RFC 1951 3.2.4).
enum GZip {
  static func stored(_ bytes: [UInt8]) -> [UInt8] {
    let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
    let part = bytes.prefix(0xFFFF)
    let length = UInt16(part.count)
    let block: [UInt8] = [1] + little(length) + little(~length) + part
    return header + block + little(checksum(part)) + little(UInt32(part.count))
  }

  private static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var value = UInt32.max
    for byte in bytes {
      value ^= UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    return ~value
  }
}
