import Transfer

/// Refuses what a web page makes its reader's browser send (DNS rebinding, and requests across origins).
///
/// A page can have its own name lead here, but it cannot make an address of it, nor `localhost`; and a browser says that it is one.
struct HostRule: Sendable {
  /// Names that are ours, without ports, in lower case.
  let names: Set<String>

  /// Why a request is refused; nil: it is not.
  ///
  /// - Parameters:
  ///   - hosts: every `Host` of it.
  ///   - isFromBrowser: whether it has a field that only browsers send.
  ///   - isLocal: whether it came over a socket in the file system, where no browser is.
  func complaint(hosts: [String], isFromBrowser: Bool, isLocal: Bool) -> String? {
    if isFromBrowser { return "requests of web pages are refused" }
    if isLocal { return nil }
    guard hosts.count == 1, let host = hosts.first else { return "one Host is needed" }
    return isOurs(host) ? nil : "this is not \(host.shownSafely(limit: 100))"
  }

  private func isOurs(_ field: String) -> Bool {
    let name = Self.withoutPort(field.lowercased())
    if name.hasPrefix("["), HostAddress(host: name) != nil { return true }
    // Only what is written as an address: of `127.1` a browser makes one before it asks.
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) { return true }
    return name == "localhost" || name.hasSuffix(".localhost") || names.contains(String(name))
  }

  private static func withoutPort(_ host: String) -> Substring {
    guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else {
      return host[...]
    }
    return host[..<colon]
  }
}
