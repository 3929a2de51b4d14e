import Transfer

/// The host of a `Host` field or an option, taken apart.
enum HostName {
  /// Host and port of `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`; nil where it is none of them.
  ///
  /// - Returns: an IPv6 address with its brackets; nil for a port that is not there.
  static func split(_ text: String) -> (host: String, port: Int?)? {
    let end: String.Index
    if text.hasPrefix("[") {
      guard let bracket = text.firstIndex(of: "]") else { return nil }
      end = text.index(after: bracket)
    } else {
      end = text.firstIndex(of: ":") ?? text.endIndex
    }
    let (host, rest) = (text[..<end], text[end...])
    guard !host.isEmpty, host.utf8.allSatisfy(isPart) else { return nil }
    if host.hasPrefix("["), HostAddress(host: host) == nil { return nil }
    guard !rest.isEmpty else { return (String(host), nil) }
    let figures = rest.dropFirst()
    guard rest.hasPrefix(":"), (1...5).contains(figures.utf8.count),
      figures.utf8.allSatisfy({ (48...57).contains($0) }), let port = Int(figures), port < 65536
    else { return nil }
    return (String(host), port)
  }

  /// The address that a host is written as: IPv6 with its brackets or without; nil for a name.
  ///
  /// Only as everybody writes it: browsers and resolvers are not at one about `127.1`.
  static func address(_ host: String) -> HostAddress? {
    if host.hasPrefix("[") { return HostAddress(host: host[...]) }
    if host.contains(":") { return HostAddress(host: "[\(host)]") }
    guard host.split(separator: ".", omittingEmptySubsequences: false).count == 4 else {
      return nil
    }
    return HostAddress(host: host[...])
  }

  /// A name in lower case, without the dot that ends a full one.
  static func plain(_ name: String) -> String {
    let name = name.lowercased()
    return name.hasSuffix(".") ? String(name.dropLast()) : name
  }

  /// Whether it is `localhost`, which no name server is asked for (RFC 6761).
  static func isLocalhost(_ name: String) -> Bool { plain(name) == "localhost" }

  private static func isPart(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: "-._[]:".utf8.contains(byte)
    }
  }
}

extension HostAddress {
  /// True for `::` and what begins with 0 in IPv4: every address to whoever listens, none to go to.
  var isUnspecified: Bool {
    switch self {
    case .version4(let bits): bits >> 24 == 0
    case .version6(let bytes): bytes.allSatisfy { $0 == 0 }
    }
  }
}

extension HostAddress {
  /// The bytes of an address as the system writes it: 4, also of one of IPv4 inside IPv6, or 16.
  static func bytes(_ text: String) -> [UInt8]? {
    switch HostName.address(String(text.prefix { $0 != "%" })) {
    case .version4(let bits): (0..<4).map { UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0)) }
    case .version6(let bytes): bytes
    case nil: nil
    }
  }
}
