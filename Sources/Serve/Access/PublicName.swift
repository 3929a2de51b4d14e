import Transfer

/// Which names a registry can have that anybody may ask for (`--registry '*'`).
///
/// Where a name leads is judged when it is known; these are not looked up at all.
enum PublicName {
  /// Ends of names that no public name has (RFC 6761, 6762, 8375, and what ICANN set aside).
  private static let localEndings: Set<String> = [
    "localhost", "local", "internal", "invalid", "test", "onion", "arpa", "lan", "home", "corp",
    "localdomain", "intranet", "private",
  ]

  /// Whether a registry's name is one of several parts, or an address that leads to the same place
  /// from everywhere.
  ///
  /// - Parameter registry: as in a reference, with its port if it has one.
  static func isOne(_ registry: String) -> Bool {
    guard let (host, _) = HostName.split(registry) else { return false }
    let plain = HostName.plain(host)
    if let address = HostName.address(host) { return address.isGloballyRoutable }
    // `127.1` and `0x7f000001` are addresses to some, and no name to anybody.
    guard HostAddress(host: plain[...]) == nil else { return false }
    let parts = plain.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 1, !parts.contains(""), let last = parts.last else { return false }
    // No name ends in a number, in whatever notation.
    let isNumber = last.hasPrefix("0x") || last.utf8.allSatisfy { (48...57).contains($0) }
    return !isNumber && !localEndings.contains(String(last))
  }
}
