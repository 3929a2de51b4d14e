/// Servers that are reached without a proxy: what `NO_PROXY` says, in the grammar of Go, which
/// users of container tools know.
///
/// | entry | means |
/// |---|---|
/// | `*` | every server |
/// | `corp.test`, `corp.test:5000` | that name and all below it; with a port, only there |
/// | `.corp.test`, `*.corp.test` | all names below it, not itself |
/// | `10.0.0.1`, `10.0.0.1:5000`, `::1`, `[::1]:443` | that address, however it is written |
/// | `10.0.0.0/8`, `fd00::/8` | every address of that network |
///
/// Entries are separated by commas or white space; case and a dot at the end of a name do not
/// matter. Names are never looked up: an address matches no name and a name no address. What cannot
/// be read matches nothing.
///
/// Source: golang.org/x/net/http/httpproxy; white space and the dot at the end are curl's.
package struct ProxyExceptions: Equatable, Sendable {
  private enum Entry: Equatable {
    case everything
    case address(HostAddress, port: String?)
    case network(HostAddress, bits: Int)
    case name(String, port: String?, includesItself: Bool)
  }

  private let entries: [Entry]

  /// Reads a list.
  ///
  /// - Parameter text: the value of `NO_PROXY`.
  package init(_ text: String) {
    entries = text.lowercased().split { $0 == "," || $0.isWhitespace }
      .compactMap { Self.entry($0) }
  }

  /// Whether a server is one of them.
  ///
  /// - Parameter origin: the server.
  package func contains(_ origin: RemoteURL.Origin) -> Bool {
    let host = origin.host.hasSuffix(".") ? origin.host.dropLast() : origin.host[...]
    let address = HostAddress(host: host)
    let port = String(origin.port)
    return entries.contains { entry in
      switch entry {
      case .everything: return true
      case .address(let one, let wanted): return one == address && (wanted ?? port) == port
      case .network(let network, let bits):
        return address.map { network.sharesBits(bits, with: $0) } ?? false
      case .name(let name, let wanted, let includesItself):
        guard address == nil, (wanted ?? port) == port else { return false }
        return host.hasSuffix("." + name) || includesItself && host == name
      }
    }
  }

  private static func entry(_ text: Substring) -> Entry? {
    if text == "*" { return .everything }
    if let network = network(text) { return network }
    if let address = address(text) { return .address(address, port: nil) }
    var host = text
    var port: String?
    if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
      host = text[..<colon]
      let digits = text[text.index(after: colon)...]
      port = digits.isEmpty ? nil : String(digits)
    }
    if let address = address(host) { return .address(address, port: port) }
    // The star of `*.corp.test` says no more than its dot.
    if host.hasPrefix("*.") { host = host.dropFirst() }
    let includesItself = !host.hasPrefix(".")
    if !includesItself { host = host.dropFirst() }
    if host.hasSuffix(".") { host = host.dropLast() }
    guard !host.isEmpty else { return nil }
    return .name(String(host), port: port, includesItself: includesItself)
  }

  /// An address in its usual notation, in brackets or not: `1.2` may as well be a name.
  private static func address(_ text: Substring) -> HostAddress? {
    if text.contains(":") {
      return HostAddress(host: text.hasPrefix("[") ? text : "[\(text)]"[...])
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) })
    else { return nil }
    return HostAddress(host: text)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// `10.0.0.0/8`: an address and how many of its bits count.
  private static func network(_ text: Substring) -> Entry? {
    guard let slash = text.firstIndex(of: "/") else { return nil }
    let digits = text[text.index(after: slash)...]
    let written = text[..<slash]
    guard !digits.isEmpty, digits.utf8.allSatisfy(isDigit), var bits = Int(digits),
      let address = address(written)
    else { return nil }
    switch address {
    case .version4:
      // Bits of an address that was written as one of IPv6 are counted from its beginning.
      if written.contains(":") { bits -= 96 }
      guard (0...32).contains(bits) else { return nil }
    case .version6:
      guard (0...128).contains(bits) else { return nil }
    }
    return .network(address, bits: bits)
  }
}

extension HostAddress {
  /// Whether two addresses of one kind begin with the same bits.
  fileprivate func sharesBits(_ bits: Int, with other: HostAddress) -> Bool {
    switch (self, other) {
    case (.version4(let mine), .version4(let theirs)):
      return bits == 0 || (mine ^ theirs) >> UInt32(32 - bits) == 0
    case (.version6(let mine), .version6(let theirs)):
      let whole = bits / 8
      guard mine[..<whole] == theirs[..<whole] else { return false }
      let rest = bits % 8
      return rest == 0 || (mine[whole] ^ theirs[whole]) >> UInt8(8 - rest) == 0
    default: return false
    }
  }
}
