import Glibc

/// An IP address, in whatever way it was written.
///
/// `127.1`, `0x7f000001` and `[::ffff:127.0.0.1]` reach the same place as `127.0.0.1`: rules are
/// about addresses, not about spellings.
package enum HostAddress: Equatable, Sendable {
  /// The 32 bits of an IPv4 address, or of one inside an IPv6 address.
  case version4(UInt32)
  /// The 16 bytes of any other IPv6 address.
  case version6([UInt8])

  /// Reads a URL's host as `connect` would; nil for a name.
  ///
  /// - Parameter host: an IPv6 address has its brackets.
  package init?(host: Substring) {
    if host.hasPrefix("["), host.hasSuffix("]") {
      var bytes = [UInt8](repeating: 0, count: 16)
      guard inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &bytes) == 1 else {
        return nil
      }
      self.init(bytes: bytes)
    } else {
      // Also octal, hexadecimal and with fewer than four parts.
      var address = in_addr()
      guard inet_aton(String(host), &address) == 1 else { return nil }
      self = .version4(UInt32(bigEndian: address.s_addr))
    }
  }

  /// Reads an address as it is in a packet; nil where it has neither 4 nor 16 bytes.
  package init?(bytes: [UInt8]) {
    func number(_ part: ArraySlice<UInt8>) -> UInt32 { part.reduce(0) { $0 << 8 | UInt32($1) } }
    switch bytes.count {
    case 4: self = .version4(number(bytes[...]))
    case 16: self = Self.carriesVersion4(bytes) ? .version4(number(bytes[12...])) : .version6(bytes)
    default: return nil
    }
  }

  /// Mapped (`::ffff:a.b.c.d`) and compatible (`::a.b.c.d`) addresses.
  private static func carriesVersion4(_ bytes: [UInt8]) -> Bool {
    switch Array(bytes[..<12]) {
    case [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]: true
    case [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]:
      bytes[12...].contains { $0 != 0 } && bytes[12...] != [0, 0, 0, 1]
    default: false
    }
  }

  /// True for an address that never leaves this machine; `0.0.0.0` and `::` reach it, too.
  package var isLoopback: Bool {
    switch self {
    case .version4(let bits): bits >> 24 == 127 || bits >> 24 == 0
    case .version6(let bytes): bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] <= 1
    }
  }

  /// True for an address that never leaves this machine, or of which a gateway or a tunnel may make one.
  package var mayBeLoopback: Bool {
    guard case .version6(let bytes) = self else { return isLoopback }
    return isLoopback || Self.carried(by: bytes).contains { $0 >> 24 == 127 }
  }

  /// True for link-local addresses, where clouds keep their metadata services, and for those they
  /// keep elsewhere.
  package var isLinkLocalOrMetadata: Bool {
    switch self {
    case .version4(let bits):
      // 169.254/16; Alibaba's 100.100.100.200; Azure's 168.63.129.16; Oracle's 192.0.0.192.
      bits >> 16 == 0xA9FE || [0x6464_64C8, 0xA83F_8110, 0xC000_00C0].contains(bits)
    case .version6(let bytes):
      // fe80::/10; Amazon's fd00:ec2::/32.
      bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 || bytes.starts(with: [0xFD, 0, 0x0E, 0xC2])
        || Self.services.contains(bytes)
        || Self.carried(by: bytes).contains { HostAddress.version4($0).isLinkLocalOrMetadata }
    }
  }

  /// True for an address that leads to the same place from everywhere: none of a private network,
  /// of this machine, of a group, of documentation, or of which a gateway makes another that is
  /// none (IANA's registries of special-purpose addresses).
  package var isGloballyRoutable: Bool {
    guard !isLinkLocalOrMetadata, !mayBeLoopback else { return false }
    switch self {
    case .version4(let bits):
      return !Self.special4.contains { bits >> (32 - $0.length) == $0.bits >> (32 - $0.length) }
    case .version6(let bytes):
      guard Self.carried(by: bytes).allSatisfy({ HostAddress.version4($0).isGloballyRoutable })
      else { return false }
      // NAT64's well-known prefix is how a network without IPv4 reaches it.
      if bytes.starts(with: [0, 0x64, 0xFF, 0x9B] + Array(repeating: 0, count: 8)) { return true }
      // 2000::/3, but for 2001::/23 (protocols), 2001:db8::/32 and 3fff::/20 (documentation),
      // 2002::/16 (6to4).
      return bytes[0] >> 5 == 1 && !(bytes.starts(with: [0x20, 0x01]) && bytes[2] < 2)
        && !bytes.starts(with: [0x20, 0x01, 0x0D, 0xB8]) && !bytes.starts(with: [0x20, 0x02])
        && !(bytes.starts(with: [0x3F, 0xFF]) && bytes[2] >> 4 == 0)
    }
  }

  /// IPv4 addresses that are not globally reachable: first bits, and how many of them count.
  private static let special4: [(bits: UInt32, length: UInt32)] = [
    (0x0000_0000, 8), (0x0A00_0000, 8), (0x6440_0000, 10), (0x7F00_0000, 8), (0xA9FE_0000, 16),
    (0xAC10_0000, 12), (0xC000_0000, 24), (0xC000_0200, 24), (0xC058_6300, 24), (0xC0A8_0000, 16),
    (0xC612_0000, 15), (0xC633_6400, 24), (0xCB00_7100, 24), (0xE000_0000, 3),
  ]

  /// Google's fd20:ce::254, Oracle's fd00:c1::a9fe:a9fe and Scaleway's fd00:42::42.
  private static let services: [[UInt8]] = [
    [0xFD, 0x20, 0, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54],
    [0xFD, 0, 0, 0xC1, 0, 0, 0, 0, 0, 0, 0, 0, 0xA9, 0xFE, 0xA9, 0xFE],
    [0xFD, 0, 0, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42],
  ]

  /// The IPv4 addresses that a gateway or a tunnel on the way may make of an IPv6 address.
  private static func carried(by bytes: [UInt8]) -> [UInt32] {
    func number(_ places: [Int], mask: UInt8 = 0) -> UInt32 {
      places.reduce(0) { $0 << 8 | UInt32(bytes[$1] ^ mask) }
    }
    let last = [12, 13, 14, 15]
    var found: [UInt32] = []
    // NAT64: 64:ff9b::/96 (RFC 6052), and 64:ff9b:1::/48 (RFC 8215), where an operator chooses the
    // length of the prefix.
    if bytes.starts(with: [0, 0x64, 0xFF, 0x9B] + Array(repeating: 0, count: 8)) {
      found.append(number(last))
    }
    if bytes.starts(with: [0, 0x64, 0xFF, 0x9B, 0, 1]) {
      let lengths = [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], last]
      found += lengths.map { number($0) }
    }
    // SIIT: ::ffff:0:a.b.c.d (RFC 2765).
    if bytes.starts(with: Array(repeating: 0, count: 8) + [0xFF, 0xFF, 0, 0]) {
      found.append(number(last))
    }
    // 6to4: 2002::/16 (RFC 3056). Teredo: 2001::/32, a server and a client, this one inverted (RFC 4380).
    if bytes.starts(with: [0x20, 0x02]) { found.append(number([2, 3, 4, 5])) }
    if bytes.starts(with: [0x20, 0x01, 0, 0]) {
      found += [number([4, 5, 6, 7]), number(last, mask: 0xFF)]
    }
    // ISATAP: any prefix, then 0:5efe or 200:5efe (RFC 5214).
    if [0, 2].contains(bytes[8]), Array(bytes[9..<12]) == [0, 0x5E, 0xFE] {
      found.append(number(last))
    }
    return found
  }
}
